"""How well the checks find what they are for, on real data: `python -m bench.checks`."""
