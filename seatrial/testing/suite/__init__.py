"""Every upstream fault against a gateway with two targets: what must its callers see?

Five classes: *answer* (strikes before a token: the healthy fallback answers), *legal* (odd but
allowed: a whole answer), *honest* (a whole answer, or an end that says what happened), *policy*
(refusals reach the caller, one attempt) and *dynamics* (outages, waiting, noise, callers who
leave: waste, waiting and recovery in bounds).

    report = run_suite()
    print(report.as_text())

Run it with `python -m seatrial.testing.suite`.
"""

from __future__ import annotations

from seatrial.testing.suite._cases import Case, Selection, Target, cases, targets
from seatrial.testing.suite._dynamics import DYNAMICS
from seatrial.testing.suite._findings import Figure, Found, SuiteReport, weigh
from seatrial.testing.suite._ground import (
    Address,
    Ground,
    Subject,
    configuration,
    ground,
    own_gateway,
)
from seatrial.testing.suite._run import SuiteSettings, run_against, run_alone, run_suite

__all__ = [
    "DYNAMICS",
    "Address",
    "Case",
    "Figure",
    "Found",
    "Ground",
    "Selection",
    "Subject",
    "SuiteReport",
    "SuiteSettings",
    "Target",
    "cases",
    "configuration",
    "ground",
    "own_gateway",
    "run_against",
    "run_alone",
    "run_suite",
    "targets",
    "weigh",
]
