"""Pieces in any order leave as blocks, one after the other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gateway.blocks import Block, Blocks, blocks_of
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment


class Ink:
    """Writes what happens to blocks in plain words."""

    def opened(self, block: Block) -> bytes:
        return f"({block.place}:{block.name or block.form.value}".encode()

    def added(self, block: Block, text: str) -> bytes:
        return b"|" + text.encode()

    def closed(self, block: Block) -> bytes:
        return b")"


def written(*pieces: Piece) -> str:
    """Write pieces to their end."""
    blocks = Blocks(Ink())
    return (b"".join(map(blocks.feed, pieces)) + blocks.end()).decode()


def call(index: int, arguments: str = "", name: str | None = None) -> Piece:
    """Write a fragment of a tool call."""
    return Piece(tools=(ToolFragment(index, name and f"c{index}", name, arguments),))


def test_each_block_is_opened_filled_and_closed() -> None:
    """Thought, text and a call, in the order in which they came."""
    said = written(
        Piece(reasoning="hm"), Piece(text="He"), Piece(text="llo"), call(0, "{}", "look")
    )

    assert "(0:reasoning|hm)(1:text|He|llo)(2:look|{})" == said


def test_interleaved_calls_wait_for_the_open_one() -> None:
    """Nothing is lost, and what belongs to the open block leaves at once."""
    said = written(
        call(0, '{"a": "', "look"),
        call(1, "{}", "see"),
        Piece(text="Well"),
        call(0, '}\\"'),
        call(0, '"}'),
        call(2, "", "go"),
    )

    assert '(0:look|{"a": "|}\\"|"})(1:see|{})(2:text|Well)(3:go)' == said


@pytest.mark.parametrize("parts", [('{"a": "\\"}', '"}'), ('{"a": "\\', '"}', '"}')])
def test_brace_in_a_text_closes_nothing(parts: tuple[str, ...]) -> None:
    """Escaped quotes are text, also when the backslash came with the fragment before."""
    *first, last = parts
    opened = [call(0, "", "look"), *(call(0, part) for part in first)]
    said = written(*opened, call(1, "{}", "see"), call(0, last))

    assert f"(0:look|{'|'.join(parts)})(1:see|{{}})" == said


def test_call_that_never_closes_does_not_swallow_the_others() -> None:
    """A limit of length cuts arguments; what waited leaves at the end."""
    assert "(0:look|{)(1:text|Hi)" == written(call(0, "{", "look"), Piece(text="Hi"))


def test_more_of_a_closed_call_is_left_out() -> None:
    """It was whole: more of it can only be noise."""
    assert "(0:look|{})(1:text|Hi)" == written(call(0, "{}", "look"), Piece(text="Hi"), call(0))


@given(st.data())
def test_any_order_gives_every_block_whole(data: st.DataObject) -> None:
    """However the fragments interleave, each call reads as it was written."""
    wanted = {
        index: json.dumps({"k": data.draw(st.text(max_size=9)), "n": [index, {}]})
        for index in range(data.draw(st.integers(1, 4)))
    }
    queues = {index: _cut(data, text) for index, text in wanted.items()}
    blocks = Blocks(Ink())
    opened: set[int] = set()
    while queues:
        index = data.draw(st.sampled_from(sorted(queues)))
        blocks.feed(call(index, queues[index].pop(0), None if index in opened else f"t{index}"))
        opened.add(index)
        if not queues[index]:
            del queues[index]
    blocks.end()

    assert {f"t{index}": text for index, text in wanted.items()} == {
        block.name: block.text for block in blocks.done
    }
    assert list(range(len(wanted))) == [block.place for block in blocks.done]


def _cut(data: st.DataObject, text: str) -> list[str]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def test_whole_answer_has_the_same_blocks() -> None:
    """Thought, text, refusal, calls."""
    answer = Answer("Hi", refusal="No", tool_calls=(ToolCall("c", "look", "{}"),), reasoning="hm")

    assert ["hm", "Hi", "No", "{}"] == [block.text for block in blocks_of(answer)]
    assert [0, 1, 2, 3] == [block.place for block in blocks_of(answer)]
