"""Labels in, moves and alarms out; what is stored comes back."""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec
import pytest

from seatrial.oversight import contents, ladder
from seatrial.oversight.certificate import Certificate, Terms, in_force
from seatrial.oversight.drift import News
from seatrial.oversight.following import Course, begin, follow
from seatrial.oversight.ladder import Ladder, Move, Rules
from seatrial.oversight.proving import Proven, Usable, prove, scored, usable
from seatrial.oversight.settings import Mode, SignalKind
from seatrial.values.outcomes import Labelled, Source

RULES = Rules(cycle_days=0.0)
CERTIFICATE = Certificate("rel", 0.9, 0.05, 0.95, 1_000, 430, 9, 0.43, made_at=10.0)


def label(
    sequence: int,
    *,
    wrong: bool = False,
    why: str = "review_all",
    source: Source = Source.PERSON,
    confidence: float | None = 0.97,
    asked_at: float = 20.0,
    decision: str = "",
    share: float = 1.0,
    score: float = 0.5,
    segment: str = "",
) -> Labelled:
    """Make a label of one answer."""
    return Labelled(
        sequence,
        f"r{sequence}",
        "support",
        "rel",
        segment,
        asked_at,
        decision or ("answer" if why == "spot_check" else "held"),
        why,
        wrong,
        source,
        confidence=confidence,
        signals={"score": score},
        share=share,
    )


def fold(
    course: Course, labels: Iterable[Labelled], certificate: Certificate | None = CERTIFICATE
) -> tuple[Course, list[Move | News]]:
    """Follow labels at time 30."""
    return follow(course, list(labels), certificate=certificate, rules=RULES, rate=0.05, at=30.0)


def test_right_answers_climb_and_wrong_ones_fall() -> None:
    """Review, samples, exceptions, and back with an alarm."""
    course, happened = fold(begin(Mode.REVIEW_ALL, at=0.0), (label(n) for n in range(1, 81)))
    assert [Mode.SPOT_CHECK] == [each.after for each in happened if isinstance(each, Move)]

    checked = (label(n, why="spot_check", share=0.01, asked_at=40.0) for n in range(81, 400))
    course, happened = fold(course, checked)
    assert [Mode.EXCEPTIONS] == [each.after for each in happened if isinstance(each, Move)]

    bad = (
        label(n, why="spot_check", share=0.05, asked_at=40.0, wrong=True) for n in range(400, 410)
    )
    course, happened = fold(course, bad)
    assert ["alarm"] == [each.kind for each in happened if isinstance(each, News)]
    assert [Mode.REVIEW_ALL] == [each.after for each in happened if isinstance(each, Move)]
    assert (2, 409) == (course.ladder.attempt, course.sequence)
    assert 0.0 == course.watch.tightened


@pytest.mark.parametrize(
    "other",
    [
        label(1, source=Source.JUDGE),
        label(1, why="unsure"),
        label(1, decision="answer"),
        label(1, confidence=None),
        label(1, confidence=0.89),
        label(1, asked_at=9.0),
        label(1, why="spot_check", share=0.05),
    ],
)
def test_only_what_would_have_left_climbs(other: Labelled) -> None:
    """And only people's word, on answers that the certificate did not know."""
    course, happened = fold(begin(Mode.REVIEW_ALL, at=0.0), [other])

    assert (0, 1, []) == (course.ladder.all.reviews, course.sequence, happened)


def test_without_certificate_nothing_climbs() -> None:
    """However many are right; but they are free labels."""
    course, happened = fold(begin(Mode.REVIEW_ALL, at=0.0), (label(n) for n in range(1, 200)), None)

    assert (Ladder(), []) == (course.ladder, happened)
    assert 199 == course.watch.free_labels


def test_old_labels_say_nothing_of_a_new_mode() -> None:
    """What was asked before it stood there, and what is in it already."""
    spot = begin(Mode.SPOT_CHECK, at=25.0)
    course, _ = fold(spot, [label(1), label(2, why="spot_check", share=0.05)])
    assert (0, 0) == (course.ladder.all.reviews, course.watch.spot_labels)
    again = begin(Mode.REVIEW_ALL, at=25.0)
    assert 0 == fold(again, [label(1, asked_at=24.0)])[0].ladder.all.reviews
    once, _ = fold(again, [label(1, asked_at=26.0)])
    assert (once, []) == fold(once, [label(1, asked_at=26.0)])


def test_held_drafts_that_are_wrong_warn() -> None:
    """In every mode; and then more samples are taken."""
    course, happened = fold(
        begin(Mode.SPOT_CHECK, at=0.0), (label(n, why="unsure", wrong=True) for n in range(1, 40))
    )

    assert "warning" == next(each.kind for each in happened if isinstance(each, News))
    assert course.watch.alert > 0


def test_time_alone_can_be_what_was_missing() -> None:
    """After the cycle the step is taken without another label."""
    proved = Ladder(Mode.SPOT_CHECK)
    for _ in range(300):
        proved, _ = ladder.review(
            proved, wrong=False, blind=False, at=1.0, rules=Rules(cycle_days=9.0)
        )

    course, happened = fold(Course(proved), [])

    assert Mode.EXCEPTIONS is course.ladder.mode
    assert 1 == len(happened)


def world(size: int, *, segment: str = "") -> list[Labelled]:
    """Make labels with a score that ranks well."""
    dice = random.Random(size)
    made = []
    for number in range(1, size + 1):
        score = dice.betavariate(4, 1)
        wrong = dice.random() > score**0.3
        part = segment if number % 2 else ""
        made.append(label(number, wrong=wrong, score=score, segment=part))
    return made


def proven(labels: list[Labelled], so_far: Proven | None = None, limit: float = 0.05) -> Proven:
    """Prove what can be proved, asked for a score."""
    return prove(
        usable(labels),
        so_far or Proven(),
        kinds=[SignalKind.SCORE],
        terms=Terms(limit, 0.95, "rel"),
        at=5.0,
    )


def test_some_labels_fit_and_others_prove() -> None:
    """None does both; each answer counts once, judged by people, whatever its confidence was."""
    labels = [
        *world(9),
        label(20, source=Source.JUDGE),
        label(21, share=0.5),
        label(22, asked_at=1.0),
        label(1, wrong=True),
    ]
    found = usable(labels, since=2.0)

    assert ["r1", "r4", "r7"] == [each.record_id for each in found.fitting]
    assert 6 == len(found.proving)
    assert Usable() == usable([])


def test_proof_appears_and_grows() -> None:
    """Calibration and certificates change together, and only for more."""
    labels = world(6_000, segment="uk")
    state, coverage = Proven(), 0.0
    for have in range(0, 6_001, 300):
        state = proven(labels[:have], state)
        if (found := in_force(state.certificates, "")) is not None:
            assert found.coverage >= coverage
            coverage = found.coverage

    assert (4_000, True) == (state.look, coverage > 0.3)
    assert state.calibration is not None
    assert "rel" == state.calibration.release
    assert {"", "uk"} == set(state.certificates)
    assert state == proven(labels, state)
    best = state.certificates[""]
    kept = scored(usable(labels).proving[: best.labels], state.calibration)
    accepted = [each for each in kept if each.score >= best.threshold]
    assert (best.accepted, best.wrong) == (len(accepted), sum(each.wrong for each in accepted))


def test_worse_look_changes_nothing() -> None:
    """A certificate that is there stays, when a later look finds none or less."""
    labels = world(800)
    first = proven(labels[:400], limit=0.3)
    assert in_force(first.certificates, "")
    ruined = [*labels[:400], *(msgspec.structs.replace(each, wrong=True) for each in labels[400:])]

    later = proven(ruined, first, limit=0.3)

    assert (500, first.certificates) == (later.look, later.certificates)
    assert first.calibration is later.calibration


def test_too_few_to_fit_prove_nothing() -> None:
    """A look without a calibration is taken, and in vain."""
    labels = usable(world(600))

    found = prove(
        Usable((), labels.proving), Proven(), kinds=[SignalKind.SCORE], terms=Terms(), at=5.0
    )

    assert Proven(look=250) == found


def test_states_come_back_from_the_store() -> None:
    """As they were; anything else is refused."""
    course, _ = fold(
        begin(Mode.REVIEW_ALL, at=0.0), (label(n, wrong=n % 9 == 0) for n in range(50))
    )
    proof = proven(world(1_000))

    assert course == contents.read_course(contents.write(course))
    assert proof == contents.read_proven(contents.write(proof))
    with pytest.raises(msgspec.DecodeError):
        contents.read_course("{")
    with pytest.raises(msgspec.ValidationError):
        contents.read_proven('{"look": "many"}')


def test_evidence_of_a_move_is_kept() -> None:
    """With what was not proved, where a person forced it."""
    move = ladder.force(Ladder(), Mode.SPOT_CHECK, by="ann", reason="Launch.", at=1.0, rules=RULES)[
        1
    ]
    _, happened = fold(begin(Mode.REVIEW_ALL, at=0.0), (label(n) for n in range(1, 81)))
    proved = next(each for each in happened if isinstance(each, Move))

    assert '"forced":true' in contents.evidence_of(move)
    assert "not_proved" in contents.evidence_of(move)
    assert '"reviews":80' in contents.evidence_of(proved)
    assert "not_proved" not in contents.evidence_of(proved)
