"""The model behind the simulated servers: it repeats addresses, blots, declines and repairs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from seatrial.testing.simulate.demands import AS_DATA, FORBIDDEN, HIDDEN, MARK
from seatrial.testing.upstream._answers import JSON_END
from seatrial.testing.upstream._model import FaultyModel
from seatrial.testing.upstream._plan import Ask, Reply

NOTE: Final = b"Your last answer was not accepted"  # how the product tells a model to try again
UNSEEN: Final = "(nothing)"
JUDGING: Final = b"The user message quotes the texts"  # how the product tells a judge its part
ORDINARY: Final = "ordinary"
TAKEOVER: Final = "takeover"
FRAME_TOKENS: Final = 8
NOTE_TOKENS: Final = 30
DECLINES: Final = ("I'm sorry,", " but I can't", " help with that.")
BLOT: Final = f" {FORBIDDEN}"
# In two tokens, so that a stream splits the mark.
ECHO: Final = (f" to {MARK[:4]}", f"{MARK[4:]}.")


class SimModel(FaultyModel):
    """A model that also does what only checks can tell.

    Set before each request:
        content: a fault of `CONTENT_FAULTS`; empty for none.
        repairing: whether it was told what was wrong with its last answer.
        judging: whether it is to say what it thinks of somebody's words.
    """

    content: str = ""
    repairing: bool = False
    judging: bool = False
    _spent: tuple[int, int] | None = None

    def take_spent(self) -> tuple[int, int]:
        """Return the tokens read and written for the last request; none where it had no answer."""
        spent, self._spent = self._spent, None
        return spent or (0, 0)

    def _good(self, ask: Ask, reply_id: str, wall_s: float) -> Reply:
        reply = self._said(ask, reply_id, wall_s)
        read = FRAME_TOKENS + len(ask.question) // 4 + (NOTE_TOKENS if self.repairing else 0)
        written = len(reply.tokens or ())
        if self._spent is None:
            self._spent = read, written
        return replace(reply, usage={"input": read, "output": written})

    def _said(self, ask: Ask, reply_id: str, wall_s: float) -> Reply:
        if self.repairing and AS_DATA in ask.question:
            ask = replace(ask, structured=True)
        if self.content == "unstructured":
            ask = replace(ask, structured=False)
        reply = super()._good(ask, reply_id, wall_s)
        if self.content == "declines":
            return replace(reply, tokens=DECLINES, calls=(), finish="stop")
        if self.judging and self.content != "unstructured":
            word = TAKEOVER if HIDDEN in ask.question else ORDINARY
            said = ('{"verdict": "', word, '"}')
            reply = replace(reply, tokens=(*said, BLOT) if self.content == "blot" else said)
            return replace(reply, calls=(), finish="stop")
        tokens = reply.tokens
        if reply.calls or tokens is None or reply.finish != "stop":
            return reply
        more = ECHO if MARK in ask.question else ()
        if self.content == "blot":
            more = (*more, BLOT)
        if not more:
            return reply
        if tokens[-1] == JSON_END:
            return replace(reply, tokens=(*tokens[:-1], *more, JSON_END))
        return replace(reply, tokens=(*tokens, *more))


def understood(body: bytes) -> tuple[bytes, str]:
    """Return a request as it was before its last answer was not accepted, and that answer.

    The answer is empty where none was refused, and `UNSEEN` where the request does not show it.
    """
    if NOTE not in body:
        return body, ""
    asked = json.loads(body)
    *before, note = asked["messages"]
    shown = UNSEEN
    if before and before[-1].get("role") == "assistant":
        shown = str(before.pop().get("content") or UNSEEN)
    elif len(note["content"]) > 1:  # one dialect joins what one side says
        before.append({**note, "content": note["content"][:-1]})
    asked["messages"] = before
    return json.dumps(asked, separators=(",", ":"), ensure_ascii=False).encode(), shown


def unsaid(text: str, echo: str) -> str | None:
    """Return an answer without what was added to its signed words; None where the echo is missing.

    Args:
        text: as it was read.
        echo: what stands for the mark in it; empty when nothing was to be repeated.
    """
    closed = text.endswith(JSON_END)
    text = text.removesuffix(JSON_END).removesuffix(BLOT)
    if echo:
        said = f" to {echo}."
        if not text.endswith(said):
            return None
        text = text.removesuffix(said)
    return text + JSON_END if closed else text
