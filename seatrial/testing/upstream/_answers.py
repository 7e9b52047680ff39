"""Answers that carry their own proof: an id, the question's digest and a checksum.

A text reads `[id:up-7 q:1a2b3c4d n:24] word word … [sum:deadbeef]`.  Every word follows from the
id and the question, so a cut, mixed or foreign answer shows through any layer that passes text on.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Final

# Some are not ASCII, so that an event split inside a character breaks a careless reader.
WORDS: Final = tuple(
    "anchor ballast beacon berth bilge bow breeze bridge buoy cabin cable canvas capstan cargo "
    "chart cleat coast compass coral crew current deck dock draught drift ebb ensign fathom "
    "fender fjord fleet flood forecast funnel galley gangway glöm gulf harbour hatch haven helm "
    "hull jetty keel knot ladder lagoon lantern ledger lee lighthouse mast môr mooring oar "
    "pilot port prow quay raft reef rigging rudder tŷ".split()
)

HEADER: Final = re.compile(r"\[id:([A-Za-z0-9._-]+) q:([0-9a-f]{8}) n:(\d{1,6})\]")
SUM: Final = re.compile(r"\[sum:([0-9a-f]{8})\]")
JSON_START: Final = '{"answer": "'
JSON_END: Final = '"}'


class Verdict(StrEnum):
    """What the checksum says about a text."""

    WHOLE = "whole"  # this question's answer, every character of it
    CUT = "cut"  # this question's answer, and its end is missing
    STITCHED = "stitched"  # words of two answers in one text
    FOREIGN = "foreign"  # an answer to another question
    MALFORMED = "malformed"  # signed, but words were lost, added, doubled or moved
    UNSIGNED = "unsigned"  # no signature at all: not from a faulty upstream


def question_digest(question: str) -> str:
    """Give the eight hex digits that stand for a question in its answers."""
    return hashlib.sha256(question.encode()).hexdigest()[:8]


def answer_tokens(reply_id: str, digest: str, words: int) -> tuple[str, ...]:
    """Give the tokens of an answer; joined they are its text.

    Args:
        reply_id: letters, digits, `.`, `_` and `-`.
        digest: of the question, from `question_digest`.
        words: how many words between the header and the checksum.
    """
    seed = f"{reply_id}|{digest}|{words}".encode()
    picks = hashlib.shake_256(seed).digest(words)
    body = [f" {WORDS[pick % len(WORDS)]}" for pick in picks]
    head = [f"[id:{reply_id}", f" q:{digest}", f" n:{words}]"]
    text = "".join(head + body)
    return (*head, *body, f" [sum:{hashlib.sha256(text.encode()).hexdigest()[:8]}]")


def verify(text: str, question: str) -> Verdict:
    """Judge whether `text` is the whole answer to `question`.

    Args:
        text: what arrived; also accepted inside `{"answer": "…"}`, as structured output gives it.
        question: the caller's last user message, word for word.

    >>> tokens = answer_tokens("up-1", question_digest("How deep?"), 12)
    >>> verify("".join(tokens), "How deep?").value
    'whole'
    >>> verify("".join(tokens[:9]), "How deep?").value
    'cut'
    >>> verify("".join(tokens), "How far?").value
    'foreign'
    """
    text = text.strip()
    structured = text.startswith(JSON_START)
    closed = text.endswith(JSON_END)
    if structured:
        text = text.removeprefix(JSON_START).removesuffix(JSON_END)
    headers = HEADER.findall(text)
    if not headers:
        return _judge_headless(text)
    if len(headers) > 1:
        return Verdict.STITCHED if len(set(headers)) > 1 else Verdict.MALFORMED
    verdict = _judge_signed(text, headers[0], question)
    return Verdict.CUT if structured and verdict is Verdict.WHOLE and not closed else verdict


def _judge_headless(text: str) -> Verdict:
    if text.startswith("[id:"):
        return Verdict.CUT
    return Verdict.MALFORMED if SUM.search(text) else Verdict.UNSIGNED


def _judge_signed(text: str, header: tuple[str, str, str], question: str) -> Verdict:
    reply_id, digest, words = header
    if digest != question_digest(question):
        return Verdict.FOREIGN
    expected = "".join(answer_tokens(reply_id, digest, int(words)))
    if text == expected:
        return Verdict.WHOLE
    if expected.startswith(text):
        return Verdict.CUT
    own_sum = SUM.findall(expected)
    return Verdict.STITCHED if set(SUM.findall(text)) - set(own_sum) else Verdict.MALFORMED
