"""Events come out the same however the bytes were split and the lines ended."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.providers.sse import Event, EventTooLarge, SseParser

STREAM = (
    b'\xef\xbb\xbf: hello\n\ndata: {"a":1}\n\n:ping\n\nevent: error\ndata: {\ndata:  }\n\n'
    b"id: 7\nretry: 5\n\ndata\n\ndata:tight\n\n\n\ndata: [DONE]\n\n"
)
EVENTS: list[Event] = [
    (b"", b'{"a":1}'),
    (b"error", b"{\n }"),
    (b"", b""),
    (b"", b"tight"),
    (b"", b"[DONE]"),
]


def fed(parser: SseParser, chunks: list[bytes]) -> list[Event]:
    """Feed all chunks and the end."""
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.end()


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_events_do_not_depend_on_the_cuts(ending: bytes, cuts: list[int]) -> None:
    """Any split, any line end: the same events."""
    stream = STREAM.replace(b"\n", ending)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[a:b] for a, b in pairwise(edges)]

    assert EVENTS == fed(SseParser(), chunks)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_events_come_byte_by_byte(ending: bytes) -> None:
    """One byte at a time."""
    stream = STREAM.replace(b"\n", ending)

    assert EVENTS == fed(SseParser(), [bytes([byte]) for byte in stream])


def test_event_comes_with_its_last_byte() -> None:
    """An event is not held back until the next begins."""
    parser = SseParser()

    assert [] == parser.feed(b"data: a\r\n")
    assert [(b"", b"a")] == parser.feed(b"\r\n")
    assert [(b"", b"b"), (b"", b"c")] == parser.feed(b"data: b\n\ndata: c\n\n")


def test_last_event_may_lack_its_empty_line() -> None:
    """What stands at the end is given out as an event."""
    parser = SseParser()

    assert [] == parser.feed(b"data: [DONE]\n")
    assert [(b"", b"[DONE]")] == parser.end()
    assert [] == parser.end()


@pytest.mark.parametrize("step", [100, 1_001, 5_000])
def test_large_event_is_refused(step: int) -> None:
    """An event beyond the limit, ended or endless, is not kept."""
    data = b"data: " + b"a" * 5_000 + b"\n\n"
    parser = SseParser(limit=1_000)

    with pytest.raises(EventTooLarge):
        fed(parser, [data[i : i + step] for i in range(0, len(data), step)])


def test_large_event_among_small_ones_is_refused() -> None:
    """Also in a chunk of many."""
    with pytest.raises(EventTooLarge):
        SseParser(limit=100).feed(b"data: a\n\ndata: " + b"b" * 200 + b"\n\n")


def test_limit_is_for_one_event() -> None:
    """A chunk of many small events may be larger."""
    assert 100 == len(SseParser(limit=20).feed(b"data: abc\n\n" * 100))
