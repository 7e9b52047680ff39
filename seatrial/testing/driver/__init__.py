"""A load driver that names what became of each request.

It speaks the OpenAI dialect to any address, streamed and not, and tells honest ends (an answer, a
labelled degraded one, an explicit error, a stream that ends in an error event) from broken
promises (a silent cut, a stitched or foreign answer, a malformed reply, an unexplained end, a late
one, a hang).  Run it with `python -m seatrial.testing.driver --url … --requests …`.
"""

from __future__ import annotations

from seatrial.testing.driver._client import Client, Exchange, Heard
from seatrial.testing.driver._judge import VIOLATIONS, Asked, End, Finding, judge
from seatrial.testing.driver._load import Arrivals, Load, Outcome, Report, arrivals, drive

__all__ = [
    "VIOLATIONS",
    "Arrivals",
    "Asked",
    "Client",
    "End",
    "Exchange",
    "Finding",
    "Heard",
    "Load",
    "Outcome",
    "Report",
    "arrivals",
    "drive",
    "judge",
]
