"""A model server that fails on purpose, with every upstream fault of the catalogue.

Run it with `python -m seatrial.testing.upstream --port 0`, or in a test:

    with FaultyUpstream(seed=7) as upstream:
        upstream.schedule([{"name": "http-503", "probability": 0.3}])
        ...  # send requests to upstream.base_url
        print(upstream.log[-1].ended)

A single request may ask for a fault by its model's name: `fault:cut@3`,
`fault:http-503?retry_after=2`, `fault:latency-step?p50_s=0.2+cut@5`.  Every good answer is signed:
`verify(text, question)` tells whole from cut, stitched and foreign.  Standard library only.
"""

from __future__ import annotations

from seatrial.testing.upstream._answers import Verdict, verify
from seatrial.testing.upstream._faults import FAULTS, Strike, UnknownFault, strike_of, strikes_in
from seatrial.testing.upstream._log import Ended, Entry
from seatrial.testing.upstream._plan import Expect, Fault
from seatrial.testing.upstream._schedule import Rule, read_rules
from seatrial.testing.upstream._server import FaultyUpstream

__all__ = [
    "FAULTS",
    "Ended",
    "Entry",
    "Expect",
    "Fault",
    "FaultyUpstream",
    "Rule",
    "Strike",
    "UnknownFault",
    "Verdict",
    "read_rules",
    "strike_of",
    "strikes_in",
    "verify",
]
