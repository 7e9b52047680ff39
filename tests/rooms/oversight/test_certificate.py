"""Certificates: what proves them, what they promise, what is missing."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from seatrial.oversight.certificate import (
    LOOKS,
    Certificate,
    Label,
    Progress,
    Terms,
    certify,
    in_force,
    sentence,
    thresholds,
    what_is_missing,
)
from seatrial.stats.certify import p_value

TERMS = Terms(0.05, 0.95, "rel")


def world(size: int, *, seed: int = 1, segment: str = "", worse: float = 0.0) -> list[Label]:
    """Make labels of the world of the reference: 16 % wrong, and a score that ranks well."""
    dice = random.Random(seed)
    made = []
    for _ in range(size):
        depth = dice.gauss(2.3, 1.6) - worse
        score = 1 / (1 + math.exp(-1.6 * depth - 0.4 - dice.gauss(0, 0.8)))
        made.append(Label(score, dice.random() > 1 / (1 + math.exp(-depth)), segment))
    return made


def test_looks_spend_the_whole_chance_once() -> None:
    """Five parts of one."""
    assert math.fsum(part for _, part in LOOKS) == pytest.approx(1.0)


def test_thresholds_begin_at_a_hundred_labels() -> None:
    """From strict to loose, four points of coverage apart, no value twice."""
    scores = [i / 1_000 for i in range(1_000)]

    assert 0.9 == thresholds(scores, 1_000)[0]
    assert 0.95 == thresholds(scores, 4_000)[0]
    assert 0.6 == thresholds(scores, 250)[0]
    assert all(a > b for a, b in pairwise(thresholds(scores, 2_000)))
    assert (1.0, 0.0) == thresholds([1.0] * 50 + [0.0] * 50, 1_000)
    assert () == thresholds(scores, 50) == thresholds([], 500)


def test_certificate_appears_and_lets_more_through() -> None:
    """Its own figures are a proof; each look only ever loosens it."""
    labels = world(4_000)
    progress, loosest = Progress(), 1.0
    for have in range(0, 4_001, 125):
        progress = certify(labels[:have], progress, terms=TERMS, at=float(have))
        assert progress.look == max((n for n, _ in LOOKS if n <= have), default=0)
        if progress.best is not None:
            assert progress.best.threshold <= loosest
            loosest = progress.best.threshold

    best = progress.best
    assert best is not None
    assert 0.3 < best.coverage < 0.7
    assert p_value(best.wrong, best.accepted, 0.05) <= 0.05 * 0.25
    accepted = [each for each in labels[: best.labels] if each.score >= best.threshold]
    assert (len(accepted), sum(each.wrong for each in accepted)) == (best.accepted, best.wrong)


def test_each_look_is_taken_once() -> None:
    """Coming again with the same labels, or late for several looks, changes nothing."""
    labels = world(2_500)
    once = certify(labels, terms=TERMS, at=7.0)
    steps = certify(labels, certify(labels[:600], terms=TERMS, at=7.0), terms=TERMS, at=7.0)

    assert once == steps == certify(labels, once, terms=TERMS, at=99.0)
    assert 2_000 == once.look


def test_looks_between_change_nothing() -> None:
    """999 labels are judged as 500 are."""
    labels = world(999)

    assert 500 == certify(labels, terms=TERMS, at=0.0).look
    assert certify(labels, terms=TERMS, at=0.0) == certify(labels[:500], terms=TERMS, at=0.0)


def test_worse_release_has_no_certificate() -> None:
    """When nothing is right often enough, nothing is automatic."""
    labels = world(4_000, worse=4.0)

    assert Progress(4_000) == certify(labels, terms=TERMS, at=0.0)


def test_unlabelled_traffic_may_set_the_thresholds() -> None:
    """Coverage is of the traffic, then."""
    labels = world(2_000)
    traffic = [each.score for each in world(5_000, seed=5, worse=1.0)]

    own, found = (certify(labels, terms=TERMS, at=0.0, traffic=t).best for t in ((), traffic))

    assert own is not None
    assert found is not None
    assert found.coverage < own.coverage
    assert certify(labels, terms=TERMS, at=0.0, traffic=[]).best == own
    assert certify(world(100), terms=TERMS, at=0.0).best is None


def test_segment_needs_labels_of_its_own() -> None:
    """250 above the threshold; until then the certificate of all traffic holds for it."""
    uk, others = world(2_000, segment="uk"), world(2_000, seed=2)
    mixed = [each for pair in zip(uk, others, strict=True) for each in pair]
    everything = certify(mixed, terms=TERMS, at=0.0).best
    assert everything is not None
    few = certify(mixed[:1_000], terms=TERMS, at=0.0, segment="uk")
    own = certify(mixed, terms=TERMS, at=0.0, segment="uk").best

    assert Progress(500) == few
    assert own is not None
    assert own.accepted >= 250
    assert own is in_force({"": everything, "uk": own}, "uk")
    assert everything is in_force({"": everything}, "uk")
    assert in_force({"uk": own}, "") is None


def test_few_of_its_own_are_not_enough() -> None:
    """What would do for all traffic is too little for a part of it."""
    labels = [Label(i / 250, wrong=i < 90, segment="uk") for i in range(250)]

    assert certify(labels, terms=TERMS, at=0.0).best is not None
    assert Progress(250) == certify(labels, terms=TERMS, at=0.0, segment="uk")


CERTIFICATE = Certificate("rel", 0.93, 0.05, 0.95, 1_000, 430, 9, 0.43, 0.0)


def test_promise_is_one_honest_sentence() -> None:
    """It names the level, the limit, the figures, and what it rests on."""
    whole = sentence(CERTIFICATE)

    assert whole.startswith("With 95 % confidence, at most 5 % of the answers that leave without")
    assert "9 wrong of 430 at 0.930 or above, of 1,000 labels" in whole
    assert whole.endswith("a part of it may be worse.")
    own = sentence(Certificate("rel", 0.93, 0.05, 0.95, 1_000, 430, 9, 0.43, 0.0, "uk"))
    assert "in segment 'uk'" in own
    assert "mix" not in own


def missing(labels: list[Label], progress: Progress | None = None) -> tuple[int | None, str]:
    """Return how many labels are needed, and what people read."""
    taken = progress or certify(labels, terms=TERMS, at=0.0)
    found = what_is_missing(labels, taken, terms=TERMS)
    assert found.have == len(labels)
    return found.needed, found.sentence


def test_what_is_missing_is_told() -> None:
    """Before the first label, on the way, without hope, at the end, and when it is there."""
    assert (None, "No answer leaves without a person. The first look is at 250 labels.") == missing(
        []
    )
    needed, words = missing(world(300))
    assert needed in {500, 1_000}
    assert f"About {(needed or 0) - 300:,} labels are missing" in words
    assert missing(world(300, worse=4.0))[1].endswith("they will not be enough.")
    assert "not more labels" in missing(world(4_000, worse=4.0))[1]
    assert 0 == missing(world(10), Progress(250, CERTIFICATE))[0]
    assert missing(world(10), Progress(250, CERTIFICATE))[1].endswith("at 500 labels.")
    assert "A certificate is in force." == missing(world(10), Progress(4_000, CERTIFICATE))[1]


def test_what_is_missing_of_a_segment() -> None:
    """Only its labels are counted."""
    labels = world(40, segment="uk") + world(60)

    assert 40 == what_is_missing(labels, Progress(), terms=TERMS, segment="uk").have


def test_right_answers_need_few_labels() -> None:
    """When all are right, the first look will do."""
    labels = [Label(i / 100, wrong=False) for i in range(100)]

    assert 250 == missing(labels)[0]
