"""A begun stream: handed over piece by piece, or let go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from seatrial.engine.health import Health, Ticket
from seatrial.engine.timer import AttemptTimer
from seatrial.ports import Sink, Stream
from seatrial.reliability.answers import Assembly
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Piece
from seatrial.values.decisions import Head


@dataclass(slots=True)
class Begun:
    """A stream that holds its first useful tokens and waits for the commit.

    Args:
        stream, timer, ticket: of the attempt that opened it.
        assembly: what came so far, put together.
        pieces: what came so far and has not left.
        ended: whether the other side is done.
        tail: the last pieces: they wait for the record.
        sent: pieces that have left.
    """

    stream: Stream
    timer: AttemptTimer
    ticket: Ticket
    assembly: Assembly
    pieces: list[Piece] = field(default_factory=list)
    ended: bool = False
    tail: list[Piece] = field(default_factory=list)
    sent: int = 0


async def drop(begun: Begun, *, health: Health) -> None:
    """Let go of a begun stream that the plan does not want."""
    begun.timer.stop()
    health.settle(begun.ticket, failure=None, took_s=begun.timer.first_token_s())
    await begun.stream.close()


async def pump(begun: Begun, sink: Sink, head: Head, *, health: Health, deadline: float) -> Result:
    """Hand a begun stream over; its last pieces stay in `begun.tail` until the record is kept.

    Args:
        begun: from `attempt`.
        sink: where it leaves.
        head: the labels, as far as they are known.
        health: settles the attempt.
        deadline: for the last piece, on the monotonic clock.
    """
    timer = begun.timer
    timer.allow_until(deadline)
    failure: Failure | None = Failure(Cause.CALLER_LEFT)
    try:
        failure = await _forward_all(begun, sink, head)
    except asyncio.CancelledError:
        if not timer.caught():
            raise
        failure = _judge_late(begun)
    finally:
        timer.stop()
        health.settle(begun.ticket, failure=failure, took_s=timer.first_token_s())
        await begun.stream.close()
    return Result(
        at=timer.now(),
        answer=begun.assembly.answer(finish_reason="" if failure else "stop"),
        failure=failure,
        cut=failure is not None,
        sent=True,
        outlet=begun.ticket.name,
        first_token_s=timer.first_token_s(),
        usage=begun.assembly.usage,
        sent_pieces=begun.sent,
    )


async def _forward_all(begun: Begun, sink: Sink, head: Head) -> Failure | None:
    """Forward what is there and what comes; return what went wrong, or None at a proper end."""
    timer, stream, assembly, tail = begun.timer, begun.stream, begun.assembly, begun.tail
    timer.held = True
    await sink.begin(head)
    timer.resume()
    held_back = begun.pieces[::-1]
    begun.pieces.clear()
    while held_back or not begun.ended:
        if held_back:
            piece = held_back.pop()
        else:
            item = await stream.next()
            if not isinstance(item, Piece):
                if isinstance(item, Failure) and not assembly.finished:
                    return item
                begun.ended = True  # if by a failure: the answer is whole, only the goodbye lost
                break
            assembly.feed(item)
            piece = item
        if tail or piece.finish_reason is not None or piece.bare_usage:
            tail.append(piece)
            continue
        # In line, not in a coroutine of its own: it happens for every event.
        timer.held = True
        await sink.send(piece)
        timer.resume()
        begun.sent += 1
    return _judge_whole(assembly)


def _judge_whole(assembly: Assembly) -> Failure | None:
    fault = assembly.fault()
    return Failure(Cause.INVALID_ANSWER, fault) if fault else None


def _judge_late(begun: Begun) -> Failure | None:
    """Judge a stream that a timer stopped: late is only what was still to come."""
    timer = begun.timer
    if begun.assembly.finished and timer.cause is not Cause.SLOW_READER:
        return _judge_whole(begun.assembly)
    return Failure(timer.cause, f"{begun.sent} pieces had left")
