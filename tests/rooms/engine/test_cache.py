"""The last good answers, and their bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.engine.cache import OVERHEAD_BYTES, AnswerCache
from seatrial.values.chat import Answer, Usage


def test_answer_comes_back_with_its_age() -> None:
    """Without the bytes and the usage of the first request, which are not this one's."""
    cache = AnswerCache()
    cache.put("k", Answer("Tomorrow.", model="m", usage=Usage(), body=b"{}"), at=100.0)

    assert Answer("Tomorrow.", model="m", age_s=20.0) == cache.get("k", now=120.0)
    assert cache.get("other", now=120.0) is None


def test_clock_set_back_gives_no_negative_age() -> None:
    """The wall clock may jump."""
    cache = AnswerCache()
    cache.put("k", Answer("Tomorrow."), at=100.0)

    assert 0.0 == cache.get("k", now=50.0).age_s


def test_later_answer_wins() -> None:
    """Whichever is put in last: refilling from the store does not bring old ones back."""
    cache = AnswerCache()
    cache.put("k", Answer("New."), at=100.0)
    cache.put("k", Answer("Old."), at=50.0)
    assert "New." == cache.get("k", now=100.0).text
    cache.put("k", Answer("Newer."), at=150.0)
    assert ("Newer.", 1) == (cache.get("k", now=150.0).text, len(cache))


def test_least_recently_used_goes_first() -> None:
    """What is asked for stays."""
    cache = AnswerCache(max_answers=2)
    cache.put("a", Answer("A"), at=1.0)
    cache.put("b", Answer("B"), at=2.0)
    cache.get("a", now=3.0)
    cache.put("c", Answer("C"), at=3.0)

    assert [True, False, True] == [cache.get(key, now=3.0) is not None for key in "abc"]


def test_huge_answer_drives_nobody_out() -> None:
    """It is simply not kept, and the older one under its key is gone: it is no longer the last."""
    cache = AnswerCache(max_bytes=10_000)
    cache.put("a", Answer("A"), at=1.0)
    cache.put("b", Answer("B"), at=1.0)
    cache.put("b", Answer("B" * 20_000), at=2.0)

    assert [True, False] == [cache.get(key, now=3.0) is not None for key in "ab"]


answers = st.builds(
    Answer,
    text=st.text(max_size=200),
    reasoning=st.none() | st.text("é🙂x", max_size=200),
)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), answers, st.floats(0, 9))),
    st.integers(1, 5),
    st.integers(500, 3_000),
)
def test_bounds_hold(
    puts: list[tuple[str, Answer, float]], max_answers: int, max_bytes: int
) -> None:
    """Neither count nor bytes are ever passed, in bytes as they are written."""
    cache = AnswerCache(max_answers=max_answers, max_bytes=max_bytes)
    for key, answer, at in puts:
        cache.put(key, answer, at=at)
        kept = [cache.get(each, now=9.0) for each in "abcdefgh"]
        sizes = [
            OVERHEAD_BYTES + len(((each.text or "") + (each.reasoning or "")).encode())
            for each in kept
            if each is not None
        ]
        assert len(cache) == len(sizes) <= max_answers
        assert sum(sizes) <= max_bytes
