"""Callers: they ask as a door would, read, leave, and remember what they saw."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from seatrial.app import Seatrial
from seatrial.testing.simulate.accounts import MOST_TOKENS
from seatrial.testing.simulate.demands import SCHEMA
from seatrial.testing.simulate.plan import Arrival
from seatrial.values.chat import Answer, Piece
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import (
    Abandoned,
    Answered,
    Decision,
    HandedOff,
    Head,
    Refused,
    Settled,
)
from seatrial.values.idempotency import fingerprint_of
from seatrial.values.requests import Caller, Request

OPENING: Final = (
    {"role": "user", "content": "May I ask something?"},
    {"role": "assistant", "content": "Of course."},
)
GATE: Final = frozenset({"overloaded", "rate_limited", "insufficient_quota"})
GRACE_S = 0.25  # promised on top of every deadline


@dataclass(slots=True)
class Seen:
    """What became of one request, as its caller saw it.

    Args:
        arrival: what was asked.
        life: which process took it.
        id: of request and record.
        started, deadline: on the virtual clock.
        steady: whether it belongs to the steady traffic after everything has healed.
        surge: whether it belongs to a surge after that.
        head: labels, as they were sent.
        text: what was read so far.
        finish: why the answer ended; empty when it did not.
        how: `answer`, `error`, `cut`, `left`, `killed` or `raised`; empty while it goes on.
        decision: what the engine decided.
        first_at, ended: first and last byte.
        left_at: when the caller left.
        durable: whether the record was known to be kept.
        asked_id: of the request, whatever came of it.
        let_in: False where limits or too much to do kept the request out.
        first_id: of the twin whose result this is; empty where it is its own.
        token: the API key that the caller sends; None for none.
        ready: targets that had nothing to rest from when the request came.
        raised: what went wrong inside.
        pieces, useful: of a stream, how many came, and how many said something.
    """

    arrival: Arrival
    life: int
    id: str = ""
    started: float = 0.0
    deadline: float = math.inf
    steady: bool = False
    surge: bool = False
    head: Head | None = None
    text: str = ""
    finish: str = ""
    how: str = ""
    decision: Decision | None = None
    first_at: float | None = None
    ended: float | None = None
    left_at: float | None = None
    durable: bool = True
    asked_id: str = ""
    let_in: bool = True
    first_id: str = ""
    token: str | None = None
    ready: frozenset[str] = frozenset()
    raised: str = ""
    pieces: int = 0
    useful: int = 0

    @property
    def refused(self) -> Refused | None:
        """The refusal, when there is one."""
        return self.decision if isinstance(self.decision, Refused) else None


@dataclass(slots=True)
class Reader:
    """The caller's side of a stream: a `Sink`."""

    seen: Seen
    now: Callable[[], float]
    leave: Callable[[], None]
    begun: bool = False
    parts: list[str] = field(default_factory=list)

    async def begin(self, head: Head) -> None:
        """Read status and headers."""
        self.begun = True
        self.seen.head = head
        self.seen.first_at = self.now()

    async def send(self, piece: Piece) -> None:
        """Read one piece, at the caller's pace."""
        self.take(piece)
        arrival = self.seen.arrival
        if arrival.leaves_after and self.seen.pieces >= arrival.leaves_after:
            self.leave()
            await asyncio.get_running_loop().create_future()
        if math.isinf(arrival.reads_s):
            await asyncio.get_running_loop().create_future()
        if arrival.reads_s:
            await asyncio.sleep(arrival.reads_s)

    def take(self, piece: Piece) -> None:
        """Keep what a piece says."""
        self.seen.pieces += 1
        self.seen.useful += piece.useful
        self.parts.append(piece.text or piece.refusal)
        self.parts.extend(each.arguments for each in piece.tools if each.index == 0)


async def ask(app: Seatrial, seen: Seen, task: asyncio.Task[Any]) -> None:
    """Ask as a door does, and note what the caller sees.

    Args:
        app: started.
        seen: where it is noted.
        task: in which this runs; cancelling it means that the caller left.
    """
    arrival = seen.arrival
    loop = asyncio.get_running_loop()
    caller = app.authenticate(seen.token)
    seen.started = app.now()
    if isinstance(caller, Refused):
        _note(seen, Settled(Head("", "", caller.kind), caller), app.now())
        return
    request = _request(app, seen, caller)

    def leave() -> None:
        if not seen.how and seen.left_at is None:
            seen.left_at = app.now()
            loop.call_soon(task.cancel)

    reader = Reader(seen, app.now, leave) if arrival.stream else None
    patience = loop.call_later(arrival.leaves_s, leave) if arrival.leaves_s < 1e6 else None
    try:
        settled = await app.answer(request, reader)
        if seen.how:
            return  # killed meanwhile: nothing more reached the caller
        if reader is not None and settled.began:
            for piece in settled.tail:
                reader.take(piece)
            seen.text = "".join(reader.parts)
        _note(seen, settled, app.now())
    except asyncio.CancelledError:
        seen.text = "".join(reader.parts) if reader else ""
        seen.how = seen.how or ("left" if seen.left_at is not None else "raised")
        seen.raised = "cancelled though nobody left" if seen.how == "raised" else ""
        seen.ended = app.now()
    except Exception as error:  # noqa: BLE001 - a door would answer 500: it is noted as a violation
        seen.how, seen.raised = "raised", f"{type(error).__name__}: {error}"
        seen.ended = app.now()
    finally:
        if patience is not None:
            patience.cancel()


def _request(app: Seatrial, seen: Seen, caller: Caller) -> Request:
    arrival = seen.arrival
    messages = [{"role": "user", "content": arrival.question}]
    if arrival.errand is not None and arrival.errand.personal:
        messages = [*OPENING, *messages]  # what must be taken out stands in the last one
    body: dict[str, Any] = {"messages": messages}
    if arrival.tools:
        parameters = {"type": "object", "properties": {"answer": {"type": "string"}}}
        function = {"name": "look_up", "parameters": parameters}
        body["tools"] = [{"type": "function", "function": function}]
    if arrival.errand is not None and arrival.errand.structured:
        wanted = {"name": "answer", "schema": json.loads(SCHEMA)}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    if arrival.bounded:
        body["max_tokens"] = MOST_TOKENS
    seen.id = seen.asked_id = app.new_id()
    seen.deadline = seen.started + app.deadline_s(arrival.feature)
    return Request(
        seen.id,
        arrival.feature,
        body,
        seen.deadline,
        stream=arrival.stream,
        caller=msgspec.structs.replace(caller, user=arrival.user),
        criticality=Criticality(arrival.criticality),
        idempotency_key=arrival.twin,
        fingerprint=fingerprint_of(body) if arrival.twin else "",
    )


def _note(seen: Seen, settled: Settled, now: float) -> None:
    seen.decision = settled.decision
    seen.durable = settled.durable
    seen.ended = now
    if isinstance(settled.decision, Refused) and settled.decision.code in GATE:
        seen.let_in, seen.id = False, ""  # a flood leaves no flood of records
    if settled.replayed:
        # The record is the first one's.
        seen.first_id, seen.id = settled.head.record_id, ""
    if not settled.began:
        seen.head = settled.head
        seen.first_at = now
    match settled.decision:
        case Answered(answer=answer):
            seen.how, seen.finish = "answer", answer.finish_reason
            if not settled.began:
                seen.text = text_of(answer)
        case HandedOff(text=text):
            seen.how, seen.text, seen.finish = "answer", text, "stop"
        case Refused():
            seen.how = "cut" if settled.began else "error"
        case Abandoned():
            seen.how = "raised"
            seen.raised = "an abandoned request came back"


def text_of(answer: Answer) -> str:
    """Return all that a whole answer says; of several calls of tools, the first."""
    calls = "".join(call.arguments for call in answer.tool_calls[:1])
    return (answer.text or "") + (answer.refusal or "") + calls
