"""A calibration with its certificates: fitted on some of the labels, proved on the others.

Both are made together, at five looks.  What is in force changes as a whole, and only for what
lets more through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from seatrial.oversight.accuracy import TRUTH
from seatrial.oversight.certificate import LOOKS, Certificate, Label, Terms, in_force, look_at
from seatrial.oversight.confidence import Calibration, calibrate, confidence, signals_of
from seatrial.oversight.settings import SignalKind
from seatrial.values.outcomes import Labelled

FIT_EVERY: Final = 3  # every third label fits, the others prove


@dataclass(frozen=True, slots=True)
class Proven:
    """What is known of one release.

    Args:
        calibration: in force; None while there is too little to fit.
        certificates: by segment, that of all traffic under the empty name.
        look: the last look taken, as a number of proving labels; 0 for none.
    """

    calibration: Calibration | None = None
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    look: int = 0


@dataclass(frozen=True, slots=True)
class Usable:
    """The labels that count: some to fit on, the others to prove on.

    Args:
        fitting, proving: each in the order in which they came.
    """

    fitting: tuple[Labelled, ...] = ()
    proving: tuple[Labelled, ...] = ()


def usable(labelled: Sequence[Labelled], *, since: float = 0.0) -> Usable:
    """Return the labels that a proof may rest on.

    They are people's or a business system's, of answers that were looked at whatever their
    confidence was; the first word on each answer counts.

    Args:
        labelled: of one release, as they came; only ever longer from call to call.
        since: those asked before count for nothing, wall clock, seconds: after drift, labels
            from before say nothing of what comes.
    """
    first: dict[str, Labelled] = {}
    for each in labelled:
        if each.source in TRUTH and each.share >= 1.0 and each.asked_at >= since:
            first.setdefault(each.record_id, each)
    ordered = list(first.values())
    fitting = tuple(each for place, each in enumerate(ordered) if place % FIT_EVERY == 0)
    proving = tuple(each for place, each in enumerate(ordered) if place % FIT_EVERY)
    return Usable(fitting, proving)


def prove(
    labels: Usable,
    so_far: Proven,
    *,
    kinds: Sequence[SignalKind],
    terms: Terms,
    at: float,
) -> Proven:
    """Take the looks that are due, and return what is in force after them.

    Args:
        labels: see `usable`.
        so_far: what the last call returned; each look is taken once.
        kinds: the signals that the feature asks for.
        terms: what is to be promised.
        at: now, wall clock, seconds.
    """
    for number, part in LOOKS:
        if so_far.look < number <= len(labels.proving):
            found = _look(labels, number, part, kinds=kinds, terms=terms, at=at)
            so_far = replace(_better(so_far, found), look=number)
    return so_far


def scored(labels: Sequence[Labelled], calibration: Calibration) -> list[Label]:
    """Return labels with the confidence that a calibration gives them."""
    return [
        Label(confidence(calibration, signals_of(each.signals)), each.wrong, each.segment)
        for each in labels
    ]


def _look(
    labels: Usable,
    number: int,
    part: float,
    *,
    kinds: Sequence[SignalKind],
    terms: Terms,
    at: float,
) -> Proven:
    examples = [(signals_of(each.signals), each.wrong) for each in labels.fitting]
    calibration = calibrate(examples, kinds, made_at=at, release=terms.release)
    if calibration is None:
        return Proven()
    proving = scored(labels.proving[:number], calibration)
    certificates = {}
    for segment in ("", *sorted({each.segment for each in proving} - {""})):
        own = [each for each in proving if not segment or each.segment == segment]
        found = look_at(own, part, terms=terms, at=at, segment=segment)
        if found is not None:
            certificates[segment] = found
    return Proven(calibration, certificates)


def _better(old: Proven, new: Proven) -> Proven:
    """Return what lets more of all traffic through; without certificates, the newer one."""
    if new.calibration is None:
        return old
    before, after = in_force(old.certificates, ""), in_force(new.certificates, "")
    if before is not None and (after is None or after.coverage <= before.coverage):
        return old
    return new
