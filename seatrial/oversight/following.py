"""Each label, once, into all that is learnt from it: the ladder and the alarms of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from seatrial.oversight import drift, ladder
from seatrial.oversight.accuracy import TRUTH
from seatrial.oversight.certificate import Certificate
from seatrial.oversight.decide import UNIFORM, would_leave
from seatrial.oversight.drift import News, Watch
from seatrial.oversight.ladder import Ladder, Move, Rules
from seatrial.oversight.settings import Mode
from seatrial.values.outcomes import Labelled


@dataclass(frozen=True, slots=True)
class Course:
    """Where one segment of a release stands, with all that it rests on.

    Args:
        ladder, watch: see there.
        sequence: of the last label that is in it.
    """

    ladder: Ladder = field(default_factory=Ladder)
    watch: Watch = field(default_factory=Watch)
    sequence: int = 0


def begin(mode: Mode, *, at: float) -> Course:
    """Return where a new release stands: where its settings say, and nothing is proved."""
    return Course(Ladder(mode, at))


def follow(
    course: Course,
    labels: Sequence[Labelled],
    *,
    certificate: Certificate | None,
    rules: Rules,
    rate: float,
    at: float,
) -> tuple[Course, list[Move | News]]:
    """Return where a segment stands after some labels, and what happened on the way.

    Labels that are in it already, and those that no person or business system gave, change
    nothing.

    Args:
        course: before.
        labels: of this segment and release, by sequence.
        certificate: in force; without one nothing leaves and nothing climbs.
        rules: what a step up asks for.
        rate: share of what leaves that people usually look at.
        at: now, wall clock, seconds.
    """
    happened: list[Move | News] = []
    for label in labels:
        if label.sequence <= course.sequence:
            continue
        course = replace(course, sequence=label.sequence)
        if label.source in TRUTH:
            course, news = _learn(course, label, certificate, rules, rate=rate, at=at)
            happened += news
    climbed, move = ladder.climb(course.ladder, at=at, rules=rules)
    if move is not None:
        happened.append(move)
    return replace(course, ladder=climbed), happened


def _learn(
    course: Course,
    label: Labelled,
    certificate: Certificate | None,
    rules: Rules,
    *,
    rate: float,
    at: float,
) -> tuple[Course, list[Move | News]]:
    if label.why == "spot_check":
        return _spot_checked(course, label, rules, rate=rate, at=at)
    if label.confidence is None or label.decision not in {"held", "handed_off"}:
        return course, []
    watch, news = drift.free_label(course.watch, wrong=label.wrong, confidence=label.confidence)
    course = replace(course, watch=watch)
    happened: list[Move | News] = [news] if news else []
    # A bet is only fair on answers that the certificate did not know when it was made.
    if (
        certificate is None
        or label.asked_at < certificate.made_at
        or label.why != "review_all"
        or course.ladder.mode is not Mode.REVIEW_ALL
        or label.asked_at < course.ladder.since
        or not would_leave(
            label.confidence, drift.threshold_now(course.watch, certificate.threshold)
        )
    ):
        return course, happened
    stands, move = ladder.review(
        course.ladder, wrong=label.wrong, blind=label.blind, at=at, rules=rules
    )
    return replace(course, ladder=stands), [*happened, *([move] if move else [])]


def _spot_checked(
    course: Course, label: Labelled, rules: Rules, *, rate: float, at: float
) -> tuple[Course, list[Move | News]]:
    """Learn from an answer that had left; an alarm takes autonomy back."""
    if course.ladder.mode is Mode.REVIEW_ALL or label.asked_at < course.ladder.since:
        return course, []  # asked under a mode that is over
    watch, news = drift.spot_label(
        course.watch,
        wrong=label.wrong,
        share=label.share,
        rate=drift.spot_rate(course.watch, rate),
        limit=rules.limit,
    )
    if news is not None:
        stands, down = ladder.demote(course.ladder, at=at, reason=news.sentence)
        return replace(course, ladder=stands, watch=Watch()), [news, *([down] if down else [])]
    stands, up = ladder.review(
        course.ladder,
        wrong=label.wrong,
        blind=label.blind,
        at=at,
        rules=rules,
        weight=min(1.0, UNIFORM * rate / label.share),
    )
    return replace(course, ladder=stands, watch=watch), [up] if up else []
