"""Bugs to plant: each breaks one promise, and the simulator must notice.

python -m seatrial.testing.simulate --days 60 --plant tests.sim.planted:no_commit_point
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

import msgspec

from seatrial.app import running, wiring
from seatrial.counters.memory import MemoryCounters
from seatrial.engine import answer, beside, calling, judging, keyring, perform, streaming, trail
from seatrial.engine.admission import Admission
from seatrial.engine.attempt import Reading
from seatrial.engine.carriage import Carriage
from seatrial.engine.health import Health
from seatrial.engine.idempotency import Twins
from seatrial.engine.recorder import Recorder
from seatrial.engine.timer import AttemptTimer
from seatrial.engine.trail import Purse
from seatrial.ports import Ended, Short
from seatrial.providers.http import EventStream
from seatrial.reliability import answers, costs, flow, limits, routing
from seatrial.reliability.breaker import Breaker, Permit
from seatrial.reliability.checks import incoming
from seatrial.reliability.judging import Judge
from seatrial.reliability.routing import Handling
from seatrial.reliability.throttle import Throttle
from seatrial.store import records
from seatrial.store.opening import open_store
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Piece
from seatrial.values.checks import PASSED, Verdict
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Kind
from tests.sim.planted_beside import BESIDE

Patch = Callable[[Any, str, Any], None]
FOR_EVER_S = 1e9


class _Known:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Any:
        yield from ()
        return self.value


# --- the six of the issue --------------------------------------------------------------------


def no_commit_point(patch: Patch = setattr) -> None:
    """A stream is handed over as soon as its headers are here."""
    at_once = Reading(0, 0, False)
    patch(calling, "reading_of", lambda trail: at_once)
    patch(perform, "reading_of", lambda trail: at_once)


def retries_without_budget(patch: Patch = setattr) -> None:
    """Every second try is affordable."""
    patch(Health, "afford_retry", lambda *args, **named: True)


def probe_never_returned(patch: Patch = setattr) -> None:
    """A probe's permit is no lease, and is not given back when the probe ends."""
    permit, settle = Breaker.permit, Breaker.settle

    def lent(self: Breaker, now: float, **named: Any) -> Permit | None:
        found = permit(self, now, **named)
        if found is not None and found.probe:
            found = self._probe = Permit(True, now + FOR_EVER_S, found.era)
        return found

    def kept(self: Breaker, *args: Any, **named: Any) -> None:
        probe = self._probe
        settle(self, *args, **named)
        self._probe = probe

    patch(Breaker, "permit", lent)
    patch(Breaker, "settle", kept)


def no_reserve(patch: Patch = setattr) -> None:
    """A target may use up the whole deadline, whoever waits behind it."""
    patch(routing, "reserve_s", lambda *args, **named: 0.0)
    patch(routing, "SHARE_BEFORE_OTHERS", 1.0)


def record_after_reply(patch: Patch = setattr) -> None:
    """The record is written a moment after the reply has left."""
    append = Recorder.append

    def later(self: Recorder, record: Any, **named: Any) -> Any:
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, functools.partial(append, self, record, **named))
        return _Known(True)

    patch(Recorder, "append", later)


def store_without_timeout(patch: Patch = setattr) -> None:
    """A call of the store waits for as long as the store likes."""
    patch(wiring, "open_store", functools.partial(open_store, limit_s=FOR_EVER_S))


# --- one for each other promise ----------------------------------------------------------------


def deadline_forgotten(patch: Patch = setattr) -> None:
    """After the commit nobody looks at the deadline any more."""
    allow = AttemptTimer.allow_until
    patch(AttemptTimer, "allow_until", lambda self, at: allow(self, at + 600.0))


def cut_passes_for_whole(patch: Patch = setattr) -> None:
    """A stream that breaks off ends as if it had been meant to."""
    forward = streaming._forward_all

    async def kindly(*args: Any) -> Failure | None:
        await forward(*args)
        return None

    patch(streaming, "_forward_all", kindly)


def one_cache_for_all(patch: Patch = setattr) -> None:
    """The cache's key leaves out what was asked."""
    patch(trail, "cache_key", lambda *args, **named: "the same")


def filled_up(patch: Patch = setattr) -> None:
    """A stream that breaks off is filled up with the words of another."""
    next_of = EventStream.next
    spoken: dict[EventStream, str] = {}
    over: set[EventStream] = set()

    async def filled(self: EventStream) -> Piece | Ended | Failure:
        if self in over:
            return Ended()
        item = await next_of(self)
        if isinstance(item, Piece):
            spoken[self] = spoken.get(self, "") + item.text
        others = [text for stream, text in spoken.items() if stream is not self and "sum" in text]
        if isinstance(item, Failure) and others:
            over.add(self)
            return Piece(others[-1], finish_reason="stop")
        return item

    patch(EventStream, "next", filled)


def upstream_left_open(patch: Patch = setattr) -> None:
    """A stream that nobody reads any more is not closed."""

    async def nothing(self: EventStream) -> None:
        return None

    patch(EventStream, "close", nothing)


def windows_ignored(patch: Patch = setattr) -> None:
    """Retry-After is read and forgotten."""
    patch(Throttle, "limited", lambda self, *args, **named: None)


def refusals_go_on(patch: Patch = setattr) -> None:
    """Where one provider's policy says no, the next is asked."""
    others = {Cause.POLICY: Handling.NEXT, Cause.BAD_REQUEST: Handling.NEXT}
    patch(routing, "HANDLING", {**routing.HANDLING, **others})


def slow_validator(patch: Patch = setattr) -> None:
    """Judging an answer keeps the loop for 80 ms, now and then."""
    fault = answers.fault
    calls = [0]

    def slowly(*args: Any, **named: Any) -> str | None:
        calls[0] += 1
        until = time.thread_time() + (0.08 if calls[0] % 100 == 50 else 0.0)
        while time.thread_time() < until:
            pass
        return fault(*args, **named)

    patch(answers, "fault", slowly)


def labels_forgotten(patch: Patch = setattr) -> None:
    """Every answer is labelled as the first tier's."""
    head = answer._head

    def best(*args: Any) -> Any:
        return msgspec.structs.replace(head(*args), kind=Kind.ANSWER, tier=0)

    patch(answer, "_head", best)


def attempts_forgotten(patch: Patch = setattr) -> None:
    """The record holds only the last attempt."""
    made = answer._record

    def short(*args: Any, **named: Any) -> Any:
        record = made(*args, **named)
        return msgspec.structs.replace(record, attempts=record.attempts[-1:])

    patch(answer, "_record", short)


def store_first(patch: Patch = setattr) -> None:
    """An answer is only given when the store took its record."""
    append = Recorder.append

    def strictly(self: Recorder, record: Any, **named: Any) -> Any:
        kept = append(self, record, **named)
        if not self.catch_up():
            raise OSError("the store did not take the record")
        return kept

    patch(Recorder, "append", strictly)


def popped_before_commit(patch: Patch = setattr) -> None:
    """Records are taken from the queue before the store has them."""
    carry = Carriage.carry

    def carelessly(self: Carriage) -> int:
        try:
            return carry(self)
        except Exception:
            self._hot.clear()
            self._journal.settle(self._journal.mark())
            raise

    patch(Carriage, "carry", carelessly)


def keys_forgotten(patch: Patch = setattr) -> None:
    """The last known keys are not read at a start."""
    patch(running, "read_keys", lambda file: None)


def another_decision_recorded(patch: Patch = setattr) -> None:
    """What is recorded is not what was decided."""
    made = answer._record

    def rosy(*args: Any, **named: Any) -> Any:
        return msgspec.structs.replace(made(*args, **named), decision="answer")

    patch(answer, "_record", rosy)


# --- checks, keys, money, limits, twins and surges ------------------------------------------


def checked_after_all(patch: Patch = setattr) -> None:
    """No stream is held back, whatever a check could refuse."""
    patch(answer, "holds_back", lambda trail: False)


def inputs_waved_through(patch: Patch = setattr) -> None:
    """What an input's checks say is noted, and nothing follows."""
    asked = perform.check_input

    async def mildly(*args: Any) -> Any:
        return msgspec.structs.replace(await asked(*args), verdict=PASSED)

    patch(perform, "check_input", mildly)


def repairs_without_end(patch: Patch = setattr) -> None:
    """A target is told what was wrong for as long as there are attempts."""
    may = flow._may_repair
    patch(flow, "_may_repair", lambda course, place, repairs: may(course, place, -1))


def first_message_only(patch: Patch = setattr) -> None:
    """Personal data is taken out of the first message only."""
    rewrite_body = incoming.rewrite_body

    def hastily(body: dict[str, Any], change: Any) -> dict[str, Any]:
        first, rest = body["messages"][:1], body["messages"][1:]
        done = rewrite_body({**body, "messages": first}, change)
        return {**done, "messages": [*done["messages"], *rest]}

    patch(incoming, "rewrite_body", hastily)


def originals_recorded(patch: Patch = setattr) -> None:
    """The record holds what the caller wrote, not what was sent."""
    made = answer._record
    first: dict[str, Any] = {}
    check = perform.check_input

    async def noted(trail: Any, world: Any) -> Any:
        first[trail.request.id] = trail.request.body
        return await check(trail, world)

    def whole(trail: Any, *args: Any) -> Any:
        record = made(trail, *args)
        return msgspec.structs.replace(record, input=first.pop(record.id, record.input))

    patch(perform, "check_input", noted)
    patch(answer, "_record", whole)


def refusals_in_words_pass(patch: Patch = setattr) -> None:
    """Who declines in words is taken to have answered."""
    patch(flow, "declines", lambda said: said.refused)


def check_then_add(patch: Patch = setattr) -> None:
    """An account is looked at, and added to a moment later."""
    reserve = MemoryCounters.reserve

    async def racing(self: MemoryCounters, id: str, asks: Any, *, lease_s: float) -> Short | None:
        levels = await self.used(asks)
        for index, (ask, level) in enumerate(zip(asks, levels, strict=True)):
            if level + ask.amount > ask.ceiling:
                return Short(index, max(0, ask.ceiling - level), 1.0)
        await asyncio.sleep(0.05)
        boundless = [msgspec.structs.replace(ask, ceiling=1 << 60) for ask in asks]
        return await reserve(self, id, boundless, lease_s=lease_s)

    patch(MemoryCounters, "reserve", racing)


def cheap_guess(patch: Patch = setattr) -> None:
    """What an attempt may cost at most is guessed from its question alone."""
    patch(costs, "worst_case_pico", lambda *args, **named: 1)


def repair_for_free(patch: Patch = setattr) -> None:
    """A repair costs nothing, says the record."""

    def cost_usd(self: trail.Trail) -> Any:
        known = [
            each.cost_usd for each in self.attempts if each.purpose != "repair" and each.cost_usd
        ]
        return sum(known[1:], known[0]) if known else None

    patch(trail.Trail, "cost_usd", cost_usd)


def booked_twice(patch: Patch = setattr) -> None:
    """A record that is carried is booked by two hands."""
    book = records.book

    def doubly(*args: Any) -> None:
        book(*args)
        book(*args)

    patch(records, "book", doubly)


def unpriced_is_free(patch: Patch = setattr) -> None:
    """A target whose price nobody knows costs nothing."""
    cost_of = trail._cost

    def freely(*args: Any, **named: Any) -> Any:
        found = cost_of(*args, **named)
        return costs.NOTHING if found.pico is None else found

    patch(trail, "_cost", freely)


def carried_out_twice(patch: Patch = setattr) -> None:
    """Twins do not know of each other."""

    async def alone(self: Twins, request: Any, known: Any, work: Any) -> Any:
        return await work()

    patch(Twins, "answer", alone)


def strangers_refused(patch: Patch = setattr) -> None:
    """A key that is not known here is called invalid, though the store cannot be asked."""
    patch(keyring, "_STRANGE", keyring._INVALID)


def revocation_forgotten(patch: Patch = setattr) -> None:
    """Of keys that were revoked nothing is kept on this machine."""
    write = running.write_keys

    def rosy(file: Any, keys: Any) -> None:
        write(file, [msgspec.structs.replace(key, revoked_at=None) for key in keys])

    patch(running, "write_keys", rosy)


def counted_twice(patch: Patch = setattr) -> None:
    """Each request takes twice from its limits."""
    asks_for = limits.asks_for

    def doubly(*args: Any) -> Any:
        return [msgspec.structs.replace(ask, amount=2 * ask.amount) for ask in asks_for(*args)]

    patch(limits, "asks_for", doubly)


def classes_ignored(patch: Patch = setattr) -> None:
    """Under pressure everybody is treated alike, however much it matters."""
    enter, wait = Admission.enter, Admission.wait
    alike = Criticality.DEFAULT
    patch(Admission, "enter", lambda self, key, _: enter(self, key, alike))
    patch(Admission, "wait", lambda self, key, _, **named: wait(self, key, alike, **named))


def first_come_first_served(patch: Patch = setattr) -> None:
    """Nobody asks whose request it is."""
    enter, wait = Admission.enter, Admission.wait
    patch(Admission, "enter", lambda self, key, rank: enter(self, "all", rank))
    patch(Admission, "wait", lambda self, key, rank, **named: wait(self, "all", rank, **named))


def judges_are_obeyed_in_silence(patch: Patch = setattr) -> None:
    """A judge that says nothing, or nothing that counts, has found the worst."""
    weigh = Judge.weigh

    def harsh(self: Judge, reply: str | None) -> Verdict:
        verdict = weigh(self, reply)
        return Verdict(self.says, self.question.check, "unheard") if verdict.code else verdict

    patch(Judge, "weigh", harsh)


def judges_are_waved_off(patch: Patch = setattr) -> None:
    """Whatever a judge says, the input goes on."""
    patch(Judge, "weigh", lambda self, reply: PASSED)


def judges_take_their_time(patch: Patch = setattr) -> None:
    """A judge is waited for as long as the request may take."""
    call = judging.call_beside

    async def patient(*args: Any, limit_s: float, **named: Any) -> Any:
        return await call(*args, limit_s=FOR_EVER_S, **named)

    patch(judging, "call_beside", patient)


def judges_on_credit(patch: Patch = setattr) -> None:
    """What is asked beside an answer is paid when the bill comes."""
    patch(beside, "reserve", lambda step, trail, body, world: _Known(Purse("", 0, body)))


OF_THE_ISSUE: dict[Callable[..., None], tuple[int, ...]] = {
    no_commit_point: (5,),
    retries_without_budget: (7,),
    probe_never_returned: (8,),
    no_reserve: (5, 6),
    record_after_reply: (20,),
    store_without_timeout: (16, 17),
}
PLANTED: dict[Callable[..., None], tuple[int, ...]] = {
    **OF_THE_ISSUE,
    deadline_forgotten: (1,),
    another_decision_recorded: (1,),
    cut_passes_for_whole: (2,),
    one_cache_for_all: (3,),
    filled_up: (4,),
    upstream_left_open: (6,),
    windows_ignored: (9,),
    refusals_go_on: (10,),
    slow_validator: (13,),
    labels_forgotten: (14,),
    attempts_forgotten: (14,),
    store_first: (15,),
    popped_before_commit: (16,),
    keys_forgotten: (17,),
    checked_after_all: (44,),
    inputs_waved_through: (44,),
    repairs_without_end: (44,),
    first_message_only: (41,),
    originals_recorded: (41,),
    refusals_in_words_pass: (10,),
    check_then_add: (25,),
    cheap_guess: (25,),
    repair_for_free: (26,),
    booked_twice: (26,),
    unpriced_is_free: (26,),
    carried_out_twice: (22,),
    strangers_refused: (18,),
    revocation_forgotten: (18,),
    counted_twice: (45,),
    classes_ignored: (11,),
    first_come_first_served: (12,),
    judges_are_obeyed_in_silence: (46,),
    judges_are_waved_off: (46,),
    judges_take_their_time: (46,),
    judges_on_credit: (46,),
    **BESIDE,
}
"""Each bug, and the promises of which at least one must be seen broken."""
