"""What `seatrial demo` puts to sea: an experiment, its traffic and a model that has bad weather.

`questions` holds what customers ask, `experiment` learns to answer it, `rules` is the simpler
second tier, `model` serves the experiment as if it were a language model, and `traffic` is what
the customers send.
"""
