"""The confidence from which on answers may leave without a person, with a promise about them.

Labels stream in, and they are looked at five times; each look has its share of the chance to be
mistaken, and at each look that share is walked along thresholds from strict to loose.  The best
certificate so far is kept.  No certificate, nothing automatic.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.oversight.settings import DEFAULT_LIMIT
from seatrial.stats.certify import labels_needed, walk

# After so many labels, with which part of the chance to be mistaken.
LOOKS: Final = ((250, 0.10), (500, 0.15), (1000, 0.25), (2000, 0.25), (4000, 0.25))
ENOUGH_OF_ITS_OWN: Final = 250  # accepted labels, for a certificate of a segment
FIRST_ACCEPTED: Final = 100  # labels above the strictest threshold, about
LEAST_COVERAGE: Final = 0.05
STEP: Final = 0.04  # of coverage, from threshold to threshold


@dataclass(frozen=True, slots=True)
class Label:
    """An answer of which people have said whether it is right.

    Only such answers count whose choice did not depend on the confidence, and which no
    calibration was fitted on.

    Args:
        score: its confidence.
        wrong: what people say.
        segment: of the traffic; empty for none.
    """

    score: float
    wrong: bool
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be promised.

    Args:
        limit: share of wrong answers among those that leave, such as 0.05.
        level: how sure the promise is, such as 0.95.
        release: whose answers.
    """

    limit: float = DEFAULT_LIMIT
    level: float = 0.95
    release: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Proof that answers from a confidence on meet the limit.

    Args:
        release: whose answers.
        threshold: the confidence.
        limit, level: the promise.
        labels: answers looked at, in this one of the five looks.
        accepted, wrong: how many of them are above the threshold, and how many of those wrong.
        coverage: share of the traffic above the threshold.
        made_at: wall clock, seconds.
        segment: of the traffic; empty for all of it.
    """

    release: str
    threshold: float
    limit: float
    level: float
    labels: int
    accepted: int
    wrong: int
    coverage: float
    made_at: float
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the looks have come.

    Args:
        look: the last one taken; 0 for none.
        best: the best certificate so far.
    """

    look: int = 0
    best: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing until more may leave.

    Args:
        have: labels so far.
        next_look: at how many labels the next look is; None after the last.
        needed: labels in all until a certificate can be hoped for; None when that is not in
            sight.
        sentence: the same for people.
    """

    have: int
    next_look: int | None
    needed: int | None
    sentence: str


def certify(
    labels: Sequence[Label],
    so_far: Progress = Progress(),
    *,
    terms: Terms,
    at: float,
    traffic: Sequence[float] = (),
    segment: str = "",
) -> Progress:
    """Take the looks that are due, each at exactly its number of labels.

    Args:
        labels: in the order in which they came; only ever longer from call to call.
        so_far: what the last call returned; each look is taken once.
        terms: what is to be promised.
        at: now, wall clock, seconds.
        traffic: confidences of recent requests, labelled or not; left out, those of the labels.
        segment: only its labels count; empty for all.
    """
    counted = [each for each in labels if not segment or each.segment == segment]
    best = so_far.best
    look = so_far.look
    for number, part in LOOKS:
        if so_far.look < number <= len(counted):
            look = number
            found = look_at(
                counted[:number], part, terms=terms, at=at, traffic=traffic, segment=segment
            )
            best = _better(best, found)
    return Progress(look, best)


def look_at(
    labels: Sequence[Label],
    part: float,
    *,
    terms: Terms,
    at: float,
    traffic: Sequence[float] = (),
    segment: str = "",
) -> Certificate | None:
    """Take one look, and return the certificate that it gives; None when it gives none.

    Args:
        labels: all of them of the segment.
        part: of the chance to be mistaken, as in `LOOKS`.
        terms: what is to be promised.
        at: now, wall clock, seconds.
        traffic: as for `certify`.
        segment: whose labels they are; it needs `ENOUGH_OF_ITS_OWN` above the threshold.
    """
    scores = [each.score for each in labels]
    tried = thresholds(traffic or scores, len(labels))
    tests = _tests(labels, tried)
    place = walk(tests, limit=terms.limit, delta=(1.0 - terms.level) * part) if tests else None
    if place is None:
        return None
    wrong, accepted = tests[place]
    if segment and accepted < ENOUGH_OF_ITS_OWN:
        return None
    return Certificate(
        terms.release,
        tried[place],
        terms.limit,
        terms.level,
        len(labels),
        accepted,
        wrong,
        _coverage(traffic or scores, tried[place]),
        at,
        segment,
    )


def thresholds(scores: Sequence[float], labels: int) -> tuple[float, ...]:
    """Return the thresholds that are tried, from strict to loose, none twice.

    Args:
        scores: confidences of the traffic.
        labels: how many are looked at.

    >>> len(thresholds([i / 1000 for i in range(1000)], 1000))
    23
    """
    ordered = sorted(scores, reverse=True)
    first = max(FIRST_ACCEPTED / labels, LEAST_COVERAGE)
    steps = int((1.0 - first) / STEP + 1e-9) + 1
    found: list[float] = []
    for step in range(steps):
        place = math.ceil((first + STEP * step) * len(ordered) - 1e-9) - 1
        if 0 <= place and (not found or ordered[place] < found[-1]):
            found.append(ordered[place])
    return tuple(found)


def in_force(certificates: Mapping[str, Certificate], segment: str) -> Certificate | None:
    """Return the certificate for a segment: its own, else that of all traffic; None without any.

    Args:
        certificates: by segment, that of all traffic under the empty name.
        segment: of the request; may be empty.
    """
    return certificates.get(segment) or certificates.get("")


def sentence(certificate: Certificate) -> str:
    """Return the promise in one sentence, with what it rests on and what it does not say."""
    whom = f" in segment {certificate.segment!r}" if certificate.segment else ""
    mix = (
        ""
        if certificate.segment
        else " It is about the mix of traffic as a whole: a part of it may be worse."
    )
    return (
        f"With {_percent(certificate.level)} confidence, at most "
        f"{_percent(certificate.limit)} of the answers{whom} that leave without a "
        "person are wrong, as long as traffic looks like the traffic that was labelled "
        f"({certificate.wrong} wrong of {certificate.accepted:,} at {certificate.threshold:.3f} "
        f"or above, of {certificate.labels:,} labels); {_percent(certificate.coverage)} of the "
        f"traffic is so sure.{mix}"
    )


def what_is_missing(
    labels: Sequence[Label], progress: Progress, *, terms: Terms, segment: str = ""
) -> Missing:
    """Return how many labels are missing until a certificate can be hoped for.

    Args:
        labels: as for `certify`.
        progress: what `certify` returned.
        terms: what is to be promised.
        segment: as for `certify`.
    """
    counted = [each for each in labels if not segment or each.segment == segment]
    have = len(counted)
    next_look = next((number for number, _ in LOOKS if number > progress.look), None)
    if progress.best is not None:
        more = f" Its next look is at {next_look:,} labels." if next_look else ""
        return Missing(have, next_look, 0, f"A certificate is in force.{more}")
    if next_look is None:
        words = (
            f"{have:,} labels show no confidence from which on answers are right often enough: "
            "better signals or better answers are needed, not more labels."
        )
        return Missing(have, None, None, words)
    hoped = _hoped(counted, terms)
    needed = next((number for number, _ in LOOKS if number >= max(hoped or 0, next_look)), None)
    if hoped is None or needed is None:
        words = (
            f"No answer leaves without a person. {next_look - have:,} labels are missing until "
            "the next look, and the wrong ones so far say that they will not be enough."
            if counted
            else f"No answer leaves without a person. The first look is at {next_look:,} labels."
        )
        return Missing(have, next_look, None, words)
    words = (
        f"No answer leaves without a person. About {max(1, needed - have):,} labels are missing, "
        f"at {needed:,} in all, if answers go on as they are."
    )
    return Missing(have, next_look, needed, words)


def _tests(labels: Sequence[Label], tried: Sequence[float]) -> list[tuple[int, int]]:
    """Return wrong and labelled at or above each threshold."""
    scores = sorted(each.score for each in labels)
    wrong = sorted(each.score for each in labels if each.wrong)
    return [
        (len(wrong) - bisect_left(wrong, each), len(scores) - bisect_left(scores, each))
        for each in tried
    ]


def _better(old: Certificate | None, new: Certificate | None) -> Certificate | None:
    """Return the one that lets more through: all of them hold at once."""
    if old is None or new is None:
        return old or new
    return new if new.threshold < old.threshold else old


def _hoped(labels: Sequence[Label], terms: Terms) -> int | None:
    """Return how many labels would do at the kindest threshold; None when none would."""
    if not labels:
        return None
    tried = thresholds([each.score for each in labels], max(len(labels), LOOKS[0][0]))
    hoped = []
    for wrong, accepted in _tests(labels, tried):
        rate = (wrong + 0.5) / (accepted + 1.0)
        if needed := labels_needed(terms.limit, rate, terms.level):
            hoped.append(math.ceil(needed * len(labels) / accepted))
    return min(hoped, default=None)


def _coverage(scores: Sequence[float], threshold: float) -> float:
    return sum(each >= threshold for each in scores) / len(scores)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
