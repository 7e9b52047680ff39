"""What Seatrial costs: one run, interleaved, as ratios.  `python -m bench --help` explains it."""
