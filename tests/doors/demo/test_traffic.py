"""The demo's traffic: seeded, rough at the edges, and never a training question."""

from random import Random

from seatrial.cli.demo.questions import PLAIN, load_questions
from seatrial.cli.demo.traffic import Visit, generate_traffic, roughen

QUESTIONS = load_questions()


def traffic(seed: int = 1, count: int = 3_000) -> tuple[Visit, ...]:
    """Visits over forty seconds."""
    return generate_traffic(QUESTIONS, count=count, over_s=40.0, seed=seed)


def test_a_seed_gives_its_own_traffic() -> None:
    """One seed, one traffic; another seed, another."""
    assert traffic(seed=1) == traffic(seed=1)
    assert traffic(seed=1) != traffic(seed=2)


def test_calls_come_in_order_within_the_time() -> None:
    """Visits are sorted and spread over the whole time."""
    moments = [visit.at_s for visit in traffic()]

    assert sorted(moments) == moments
    assert 0.0 <= moments[0] < 1.0
    assert 39.0 < moments[-1] <= 40.0


def test_odd_questions_have_their_share_and_stay_as_they_are() -> None:
    """About one in twenty is odd, and an empty one is still empty."""
    odd = [visit for visit in traffic() if visit.kind != PLAIN]
    known = {question.text for question in QUESTIONS.odd}

    assert 0.03 < len(odd) / 3_000 < 0.07
    assert {visit.text for visit in odd} <= known
    assert "" in {visit.text for visit in odd}


def test_most_calls_differ() -> None:
    """A few thousand visits come from far fewer questions, and still seldom repeat each other."""
    texts = [visit.text for visit in traffic() if visit.kind == PLAIN]

    assert len(set(texts)) > 0.6 * len(texts)


def test_no_call_is_a_training_question() -> None:
    """The experiment is not asked what it learned by heart."""
    asked = {visit.text for visit in traffic()}

    assert not asked & {question.text for question in QUESTIONS.train}


def test_no_traffic_is_fine() -> None:
    """Zero visits are zero visits."""
    assert () == traffic(count=0)


def test_roughening_leaves_any_text_usable() -> None:
    """A text too short for a typing error is left alone or decorated, never lost."""
    for seed in range(200):
        assert "b" in roughen("b", Random(seed)).lower()
