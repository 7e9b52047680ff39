"""The validator, and putting streams together again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.answers import STRAY, Assembly, fault, offered_tools
from seatrial.values.chat import FINISH_REASONS, Answer, Piece, ToolCall, ToolFragment, Usage


def calling(arguments: str, name: str = "look_up") -> Answer:
    """Return an answer that calls one tool."""
    return Answer(None, tool_calls=(ToolCall("1", name, arguments),), finish_reason="tool_calls")


VALID = {
    "text": Answer("Tomorrow."),
    "cut by its limit": Answer("Tomor", finish_reason="length"),
    "refusal": Answer(None, refusal="I cannot help with that."),
    "filtered": Answer(None, finish_reason="content_filter"),
    "tool call": calling('{"id": 7}'),
    "tool without parameters": calling(""),
    "tool call, cut by its limit": Answer(
        None, tool_calls=(ToolCall("1", "look_up", '{"i'),), finish_reason="length"
    ),
    "nothing but reasoning": Answer(None, reasoning="Hm.", finish_reason="length"),
}
INVALID = {
    "it says nothing": [
        Answer(None),
        Answer(""),
        Answer(" \n\t"),
        Answer(None, reasoning="Hm."),
        Answer(None, finish_reason="length"),
        Answer(None, finish_reason="tool_calls"),
    ],
    "it ends for an unknown reason": [
        Answer("Tomor", finish_reason=""),
        Answer("Tomorrow.", finish_reason="eos"),
    ],
    "a tool call names no tool": [calling("{}", name="")],
    "the arguments of a tool call are no JSON object": [
        calling('{"id": '),
        calling("[7]"),
        calling("7"),
        calling('{"id": 7} {"id": 8}'),
        calling("[" * 100_000),
    ],
}


@pytest.mark.parametrize("name", VALID)
def test_answers_are_valid(name: str) -> None:
    """It says something, declines or calls tools, and ends for a known reason."""
    assert fault(VALID[name]) is None


@pytest.mark.parametrize(
    ("reason", "answer"), [(reason, each) for reason, all_ in INVALID.items() for each in all_]
)
def test_what_is_no_answer_says_why(reason: str, answer: Answer) -> None:
    """Each with the reason for the record."""
    assert reason == fault(answer)


# --- streams -------------------------------------------------------------------------------

words = st.text(max_size=20)
reasons = st.sampled_from(sorted(FINISH_REASONS))
answers = st.builds(
    Answer,
    text=words.map(lambda text: text or None),
    refusal=words.map(lambda text: text or None),
    reasoning=words.map(lambda text: text or None),
    tool_calls=st.lists(
        st.builds(ToolCall, id=st.text(min_size=1), name=st.text(min_size=1), arguments=words),
        max_size=3,
    ).map(tuple),
    finish_reason=reasons,
    model=st.text(min_size=1, max_size=5),
    usage=st.none() | st.builds(Usage, output_tokens=st.integers(0, 9)),
)


@st.composite
def split(draw: st.DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, empty parts among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    edges = [0, *cuts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Answer, list[Piece]]:
    """An answer, and one of the many ways in which it may be streamed."""
    answer = draw(answers)
    lanes = [
        [Piece(text=part) for part in draw(split(answer.text or ""))],
        [Piece(refusal=part) for part in draw(split(answer.refusal or ""))],
        [Piece(reasoning=part) for part in draw(split(answer.reasoning or ""))],
    ]
    for index, call in enumerate(answer.tool_calls):
        head = Piece(tools=(ToolFragment(index, call.id, call.name),))
        parts = draw(split(call.arguments))
        lanes.append([head, *(Piece(tools=(ToolFragment(index, arguments=p),)) for p in parts)])
    pieces = [Piece(model=answer.model)]
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        pieces.append(lane.pop(0))
    pieces.append(Piece(finish_reason=answer.finish_reason))
    if answer.usage is not None:
        pieces.append(Piece(usage=answer.usage, bare_usage=True))
    return answer, pieces


@given(streams())
def test_any_split_assembles_to_the_same(stream: tuple[Answer, list[Piece]]) -> None:
    """However an answer is cut into pieces and interleaved, it comes out as it was."""
    answer, pieces = stream
    assembly = Assembly()
    for piece in pieces:
        assert not assembly.finished or piece.bare_usage
        assembly.feed(piece)

    assert answer == assembly.answer()
    assert assembly.finished
    assert answer.usage == assembly.usage


def test_unfinished_stream_is_no_whole_answer() -> None:
    """Without the piece that ends it there is no reason, unless somebody knows one."""
    assembly = Assembly()
    assembly.feed(Piece(text="Tomor"))

    assert not assembly.finished
    assert "it ends for an unknown reason" == fault(assembly.answer())
    assert Answer("Tomor") == assembly.answer(finish_reason="stop")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([Piece(text="Yes")], False),
        ([Piece(refusal="I can")], True),
        ([Piece(text="Well, "), Piece(refusal="no")], False),
        ([Piece(model="m"), Piece(finish_reason="content_filter")], True),
        ([Piece(text="I will"), Piece(finish_reason="content_filter")], False),
        ([], False),
    ],
)
def test_refusing_is_seen_before_anything_leaves(pieces: list[Piece], expected: bool) -> None:
    """Words of refusal or the provider's filter, and nothing said before."""
    assembly = Assembly()
    for piece in pieces:
        assembly.feed(piece)

    assert expected is assembly.refusing


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, None),
        ({"tools": []}, None),
        ({"tools": "look"}, None),
        ({"tools": [{"function": {"name": "look"}}]}, {"look"}),
        ({"tools": [{"type": "custom", "custom": {"name": "draw"}}]}, {"draw"}),
        ({"tools": [{"type": "function", "function": {"name": "a"}}, {"type": "search"}]}, None),
        ({"tools": ["look"]}, None),
        ({"tools": [{"type": []}]}, None),
    ],
)
def test_offered_tools_have_names(body: dict[str, object], names: set[str] | None) -> None:
    """Where a kind of tool is unknown, nothing is said about any of them."""
    assert names == offered_tools(body)


def test_call_of_a_tool_that_was_not_offered_is_no_answer() -> None:
    """The caller could do nothing with it; without a list of tools any name will do."""
    answer = calling("{}", name="draw")

    assert fault(answer) is None
    assert fault(answer, offered=frozenset({"draw"})) is None
    assert STRAY == fault(answer, offered=frozenset({"look"}))


def test_stray_call_is_seen_at_its_name() -> None:
    """Before its arguments have come, so that nothing of it has left yet."""
    assembly = Assembly(frozenset({"look"}))
    assembly.feed(Piece(tools=(ToolFragment(0, "1", "look", "{}"),)))
    assert not assembly.strays

    assembly.feed(Piece(tools=(ToolFragment(1, "2", "draw"),), finish_reason="tool_calls"))
    assert assembly.strays
    assert STRAY == assembly.fault()
