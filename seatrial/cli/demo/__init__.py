"""What `seatrial demo` puts to sea: an experiment, its traffic and a model that has bad weather.

`questions` holds what customers ask, `experiment` learns to answer it, `rules` is the simpler
second tier, `model` serves the experiment as if it were a language model, and `traffic` is what
the customers send. `run` puts them together with a real `seatrial serve` from `gateway`, `client`
asks and `tally` counts, `breakers` asks the gateway how its targets do; `display`, `progress` and
`summary` show it.
"""

__all__ = [
    "breakers", "chatwire", "client", "command", "display", "experiment", "gateway", "model",
    "progress", "questions", "rules", "run", "summary", "tally", "tiers", "traffic", "weather",
]  # fmt: skip
