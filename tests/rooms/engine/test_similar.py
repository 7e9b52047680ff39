"""The memory of questions behind kept answers, and its bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.engine.similar import OVERHEAD_BYTES, PER_PARTITION, SimilarQuestions
from seatrial.values.vectors import pack


def at(degrees: float) -> bytes:
    """Return a vector that points somewhere in the plane."""
    angle = math.radians(degrees)
    return pack([math.cos(angle), math.sin(angle)])


def found(
    similar: SimilarQuestions, degrees: float, at_least: float = 0.9, partition: str = "p"
) -> list[str]:
    """Return the keys of what is near, nearest first."""
    near = similar.nearest(partition, at(degrees), at_least=at_least)
    return [kept.key for _, kept in near]


def test_nearest_comes_first() -> None:
    """And nothing that is less alike than asked."""
    similar = SimilarQuestions()
    for degrees in (10, 25, 80):
        similar.keep("p", f"{degrees}?", f"k{degrees}", at(degrees))

    assert ["k25", "k10"] == found(similar, 20)
    assert [] == found(similar, 130)
    assert ["k80"] == found(similar, 80, at_least=1.0 - 1e-6)


def test_partitions_never_meet() -> None:
    """Not even with the very same vector."""
    similar = SimilarQuestions()
    similar.keep("p", "a?", "k", at(0))

    assert [] == found(similar, 0, partition="q")
    assert (True, False) == (similar.has_any("p"), similar.has_any("q"))


def test_vectors_of_another_length_are_passed_over() -> None:
    """The model behind the embeddings may have changed."""
    similar = SimilarQuestions()
    similar.keep("p", "a?", "k", pack([1.0, 0.0, 0.0]))

    assert [] == found(similar, 0, at_least=-0.5)


def test_questions_wait_for_their_vectors() -> None:
    """The newest first, and nobody is sent twice for the same."""
    similar = SimilarQuestions()
    for number in range(4):
        similar.keep("p", f"{number}?", f"k{number}")
    similar.keep("p", "known?", "k", at(0))

    first = similar.unread("p", 2)
    assert ["k3", "k2"] == [kept.key for kept in first]
    assert ["k1", "k0"] == [kept.key for kept in similar.unread("p", 9)]
    assert [] == similar.unread("q", 9)
    similar.learn("p", first[0], at(5))
    similar.learn("p", first[1], b"")
    assert ["k", "k3"] == found(similar, 0)
    assert ["k2"] == [kept.key for kept in similar.unread("p", 9)]


def test_vector_that_comes_too_late_is_left() -> None:
    """The question was forgotten, or kept anew, meanwhile."""
    similar = SimilarQuestions()
    similar.keep("p", "a?", "k")
    (old,) = similar.unread("p", 1)
    similar.keep("p", "a?", "k", at(0))
    similar.learn("p", old, at(90))
    assert ["k"] == found(similar, 0)
    similar.forget("p", old)
    assert 1 == len(similar)
    (kept,) = (each for _, each in similar.nearest("p", at(0), at_least=0.9))
    similar.forget("p", kept)
    similar.forget("p", kept)
    similar.learn("p", kept, at(0))
    assert (0, False) == (len(similar), similar.has_any("p"))


def test_vector_is_not_lost_when_the_answer_is_kept_again() -> None:
    """It is of the same words."""
    similar = SimilarQuestions()
    similar.keep("p", "a?", "k", at(0))
    similar.keep("p", "a?", "k")

    assert ["k"] == found(similar, 0)
    assert 1 == len(similar)


def test_partition_is_bounded() -> None:
    """The oldest question goes."""
    similar = SimilarQuestions()
    for number in range(PER_PARTITION + 1):
        similar.keep("p", f"{number}?", f"k{number}")

    kept = {each.key for each in similar.unread("p", 10_000)}
    assert (PER_PARTITION, PER_PARTITION) == (len(similar), len(kept))
    assert "k0" not in kept


def test_partition_used_least_recently_goes_first() -> None:
    """Looking is using."""
    similar = SimilarQuestions(max_questions=2)
    similar.keep("a", "?", "k", at(0))
    similar.keep("b", "?", "k", at(0))
    assert ["k"] == found(similar, 0, partition="a")
    similar.keep("c", "?", "k", at(0))

    assert [True, False, True] == [similar.has_any(name) for name in "abc"]


def test_one_question_drives_nobody_out() -> None:
    """What alone is over the bound of bytes goes itself, and the count is right."""
    similar = SimilarQuestions(max_bytes=OVERHEAD_BYTES + 50)
    similar.keep("a", "x" * 100, "k")

    assert (0, False) == (len(similar), similar.has_any("a"))


steps = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from("abcde"), st.booleans(), st.integers(0, 60)),
    max_size=40,
)


@given(steps, st.integers(1, 6), st.integers(OVERHEAD_BYTES, 6 * OVERHEAD_BYTES))
def test_bounds_hold(
    given_steps: Sequence[tuple[str, str, bool, int]], max_questions: int, max_bytes: int
) -> None:
    """Whatever is kept, learnt and forgotten, in whatever order."""
    similar = SimilarQuestions(max_questions=max_questions, max_bytes=max_bytes)
    for partition, key, forget, length in given_steps:
        similar.keep(partition, "x" * length, key)
        for kept in similar.unread(partition, 1):
            similar.learn(partition, kept, at(length))
            if forget:
                similar.forget(partition, kept)
        held = [each for part in similar._partitions.values() for each in part.values()]
        assert len(held) == len(similar) <= max_questions
        assert sum(each.size for each in held) == similar._bytes <= max_bytes
        assert all(similar._partitions.values())


@pytest.mark.parametrize("dimensions", [1536, 3072])
def test_full_partition_is_searched_at_once(dimensions: int) -> None:
    """Without holding the loop: only the most promising are compared number by number."""
    import time

    similar = SimilarQuestions(max_bytes=1 << 30)
    for number in range(PER_PARTITION):
        noise = [math.sin(number * 7.1 + place * (number + 1)) for place in range(dimensions)]
        similar.keep("p", "?", f"k{number}", pack(noise))
    wanted = [
        math.sin(100 * 7.1 + place * 101) * (1 + place % 3 / 20) for place in range(dimensions)
    ]
    took, keys = [], [""]
    for _ in range(5):
        started = time.thread_time()
        keys = [kept.key for _, kept in similar.nearest("p", pack(wanted), at_least=0.9)]
        took.append(time.thread_time() - started)

    assert ["k100"] == keys
    assert min(took) < 0.02  # about 2 ms, with room for a slow machine
