"""What a check said of an input or an answer."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

import msgspec


class Says(Enum):
    """The verdicts of a check, mildest first.  The values are stable: records hold them."""

    __hash__ = object.__hash__  # as members are single; Enum's own is slow

    PASS = "pass"
    FLAG = "flag"  # go on, and say so in the record
    REDACT = "redact"  # go on without what was found
    HAND_OFF = "hand_off"  # a person must see it
    REFUSE = "refuse"  # an input: the caller gets an error; an answer: it counts as failed


_PASS: Final = Says.PASS
_STRICTNESS: Final = {says: place for place, says in enumerate(Says)}


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one check said.

    Args:
        says: what follows.
        code: stable, such as `too_long` or `personal_data`; empty when it passed.
        reason: one sentence for the record, the caller and a repair; it never quotes what
            was found.
        counts: how much was found, by kind.
    """

    says: Says = Says.PASS
    code: str = ""
    reason: str = ""
    counts: dict[str, int] = {}


PASSED: Final = Verdict()


class CheckRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One verdict as the record of a request keeps it.

    Args:
        check: which check, such as `personal_data` or `shop.checks:known_product`.
        side: `input` or `output`.
        verdict: one of the values of `Says`.
        code, reason, counts: see `Verdict`.
        attempt: which attempt's answer was checked, counted from 0; absent for an input.
        took_s: how long it took, in seconds.
    """

    check: str
    side: str = "input"
    verdict: str = "pass"
    code: str = ""
    reason: str = ""
    counts: dict[str, int] = {}
    attempt: int | None = None
    took_s: float = 0.0


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strictest verdict, the first one of several; a pass when there is none.

    >>> strictest([Verdict(Says.FLAG), Verdict(Says.REFUSE, "too_long")]).code
    'too_long'
    """
    worst = PASSED
    for verdict in verdicts:
        if verdict.says is not _PASS and _STRICTNESS[verdict.says] > _STRICTNESS[worst.says]:
            worst = verdict
    return worst
