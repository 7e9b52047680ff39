"""Twins: requests with one idempotency key get one result, whichever process they come to.

Twins in this process wait for the first one's result.  What other processes do, and what was
done before a restart, is known from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from seatrial.engine.remembering import Remembered
from seatrial.engine.restoring import restored
from seatrial.engine.world import Snapshot, World
from seatrial.errors import StoreUnavailable
from seatrial.ports import Claim, Idempotency
from seatrial.reliability import idempotency as rules
from seatrial.reliability.checks.incoming import Asked, examine_input
from seatrial.values.decisions import Abandoned, Answered, Decision, Head, Kind, Refused, Settled
from seatrial.values.records import Record
from seatrial.values.requests import Request

CLAIM_PATIENCE_S: Final = 2.0  # a store that takes longer is away
PATIENCE_PARTS: Final = 8
KEEP_PATIENCE_S: Final = 1.0  # an answer waits so long for its result to be stored
KEEP_TRYING_S: Final = 60.0
CLOSE_PATIENCE_S: Final = 3.0  # at the end of the process; what is not stored by then is lost
PAUSE_S: Final = 0.2  # between tries, doubling
PAUSE_CAP_S: Final = 5.0
AT_ONCE: Final = 4  # calls of the store: a hung one must not hold every thread

T = TypeVar("T")
Work = Callable[[], Awaitable[Settled]]
"""Answers the request, once it is known to be the first."""


@dataclass(slots=True, eq=False)
class _Run:
    """A key that is looked up, answered or stored now.

    Args:
        place: what the key is known by.
        request: the first one with it in this process.
        settled: what came of it; None when nothing did, and another twin may try.
        busy: whether a task beside the request will end this.
        done: resolved with `settled`.
    """

    place: str
    request: Request
    settled: Settled | None = None
    busy: bool = False
    done: asyncio.Future[Settled | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def tell(self) -> None:
        """Let all twins who wait have the result."""
        if not self.done.done():
            self.done.set_result(self.settled)


class Twins:
    """Answers requests that have a key.

    Args:
        claims: who asked first, in all processes.
        world: clock, recorder, and what runs the store's calls.
    """

    def __init__(self, claims: Idempotency, world: World) -> None:
        self._claims = claims
        self._world = world
        # By body too: while one is looked up, another must not be judged by it.
        self._runs: dict[tuple[str, str], _Run] = {}
        self._remembered = Remembered(world.clock)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def answer(self, request: Request, known: Snapshot, work: Work) -> Settled:
        """Answer a request, or replay what came of its twin.

        Args:
            request: with a key and a fingerprint.
            known: what is configured.
            work: answers it; called at most once.

        Raises:
            asyncio.CancelledError: the caller left; a twin who waits is answered anew.  The record
                says so, also of one who left before anybody could know who was first.
        """
        place = rules.place_of(request)
        while True:
            run = self._runs.get((place, request.fingerprint))
            if run is None:
                return await self._lead(_Run(place, request), known, work)
            left_s = request.deadline - self._world.clock.now()
            with self._noting(request, known):
                done, _ = await asyncio.wait({run.done}, timeout=max(0.0, left_s))
            if not done:
                return await self._refuse(rules.running(0.0), request, known)
            settled = run.done.result()
            if settled is None:
                continue  # its caller left
            decision = settled.decision
            if not settled.let_in:
                return msgspec.structs.replace(
                    settled, head=msgspec.structs.replace(settled.head, record_id=request.id)
                )
            if isinstance(decision, Refused) and not rules.is_final(decision):
                # What does not stand is no result: each has this refusal on its own account.
                return await self._refuse(decision, request, known)
            return _replayed(settled, run.request.created)

    async def close(self, timeout_s: float) -> None:
        """Bring to the store what is on its way there, in time."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=min(timeout_s, CLOSE_PATIENCE_S))
        for task in list(self._tasks):
            task.cancel()

    # -- the first one in this process ------------------------------------------------------

    async def _lead(self, run: _Run, known: Snapshot, work: Work) -> Settled:
        """Find out whether anybody asked before, and answer if nobody did."""
        request = run.request
        self._runs[run.place, request.fingerprint] = run
        try:
            with self._noting(request, known):
                found = await self._look_up(run, known)
            if found is None:
                return await self._carry_out(run, known, work)
            if isinstance(found, Refused):
                found = await self._refuse(found, request, known)
            run.settled = found
            run.tell()
            return found
        finally:
            if not run.busy:
                self._end(run)

    async def _look_up(self, run: _Run, known: Snapshot) -> Settled | Refused | None:
        """Return what came of an earlier twin, or why nobody can say; None for the first."""
        request = run.request
        memory = self._remembered.get(run.place)
        if memory is not None:
            if memory.fingerprint != request.fingerprint:
                return rules.reused()
            return _replayed(memory.settled, memory.created)
        standing = await self._claim(run)
        if not isinstance(standing, Claim):
            return standing
        if standing.fingerprint != request.fingerprint:
            return rules.reused()
        if standing.result is None:
            return rules.running(standing.held_until - self._world.clock.wall())
        kept = rules.unpack(standing.result)
        decision = kept.decision if kept else None
        if kept is None or decision is None:
            return rules.not_kept(standing.holder)
        if kept.marked:
            decision = await self._given_back(decision, request, known)
        return Settled(kept.head, decision, replayed=True, created=kept.created)

    async def _claim(self, run: _Run) -> Claim | Refused | None:
        """Take the key in the store; return None when that was done."""
        request, clock = run.request, self._world.clock
        left_s = max(0.0, request.deadline - clock.now())
        claiming = self._spawn(
            self._ask(
                self._claims.claim,
                run.place,
                fingerprint=request.fingerprint,
                holder=request.id,
                now=clock.wall(),
                lease_s=left_s + rules.GRACE_S,
            )
        )
        try:
            await self._wait(claiming, until=request.deadline)
        except asyncio.CancelledError:
            self._later(run, lambda: self._undo(run, claiming))
            raise
        if not claiming.done() or isinstance(claiming.exception(), StoreUnavailable):
            # It may have been taken all the same.
            self._later(run, lambda: self._undo(run, claiming))
            return rules.unavailable()
        return claiming.result()

    async def _wait(self, claiming: asyncio.Task[Claim | None], *, until: float) -> None:
        """Wait for the store; a loop of ours that lags is no delay of it."""
        for _ in range(PATIENCE_PARTS):  # however long it lags, that is one of them
            left_s = max(0.0, until - self._world.clock.now())
            await asyncio.wait({claiming}, timeout=min(CLAIM_PATIENCE_S / PATIENCE_PARTS, left_s))
            if claiming.done():
                return

    async def _carry_out(self, run: _Run, known: Snapshot, work: Work) -> Settled:
        """Answer; the result is stored before the last byte may leave."""
        request = run.request
        try:
            settled = await work()
        except asyncio.CancelledError:
            self._later(run, lambda: self._release(run))
            raise
        except Exception:
            # It may have been carried out in part: not again.
            words = "Seatrial made a mistake while answering. Its record tells more."
            head = Head(request.id, known.plans[request.feature].release, Kind.REFUSED)
            await self._keep(run, Settled(head, Refused("internal_error", words)), known)
            raise
        if rules.is_final(settled.decision):
            await self._keep(run, settled, known)
        else:
            run.settled = settled
            # First of all: the caller may come back at once, with another body.
            releasing = self._later(run, lambda: self._release(run))
            await asyncio.wait({releasing}, timeout=KEEP_PATIENCE_S)
            run.tell()
        return settled

    async def _keep(self, run: _Run, settled: Settled, known: Snapshot) -> None:
        """Have a result stored, and then let the twins have it."""
        run.settled = settled
        created = run.request.created
        packed, whole = rules.pack(settled, created=created, keep_content=known.keep_content)
        if not whole:
            self._remember(run, settled)
        storing = self._later(run, lambda: self._store(run, packed))
        try:
            # A store that went away meanwhile does not stop an answer; it is tried again.
            await asyncio.wait({storing}, timeout=KEEP_PATIENCE_S)
        finally:
            run.tell()

    # -- the store -------------------------------------------------------------------------

    async def _store(self, run: _Run, packed: bytes) -> None:
        """Store a result; remember it here when the store takes it not at all."""
        clock = self._world.clock
        until, pause_s = clock.now() + KEEP_TRYING_S, PAUSE_S
        while clock.now() < until:
            try:
                await self._ask(
                    self._claims.finish,
                    run.place,
                    holder=run.request.id,
                    result=packed,
                    now=clock.wall(),
                )
                return
            except StoreUnavailable:
                await clock.sleep(pause_s)
                pause_s = min(PAUSE_CAP_S, 2 * pause_s)
        if run.settled is not None:
            self._remember(run, run.settled)

    async def _undo(self, run: _Run, claiming: asyncio.Task[Claim | None]) -> None:
        """Give back what a claim that nobody waits for may have taken."""
        await asyncio.wait({claiming})
        if claiming.exception() is not None or claiming.result() is None:
            await self._release(run)

    async def _release(self, run: _Run) -> None:
        with suppress(StoreUnavailable):  # the lease ends by itself
            await self._ask(self._claims.release, run.place, holder=run.request.id)

    async def _ask(self, method: Callable[..., T], *args: Any, **named: Any) -> T:
        async with self._room:
            result: T = await self._world.off_loop(method, *args, **named)
            return result

    def _remember(self, run: _Run, settled: Settled) -> None:
        request = run.request
        self._remembered.put(run.place, request.fingerprint, settled, created=request.created)

    # -- tasks -----------------------------------------------------------------------------

    def _later(
        self, run: _Run, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        """Carry out what must be done for a run whether or not its caller stays; then end it."""

        async def to_its_end() -> None:
            try:
                await work()
            finally:
                self._end(run)

        run.busy = True
        return self._spawn(to_its_end())

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self, run: _Run) -> None:
        self._runs.pop((run.place, run.request.fingerprint), None)
        run.tell()

    # -- results ---------------------------------------------------------------------------

    async def _refuse(self, refused: Refused, request: Request, known: Snapshot) -> Settled:
        """Refuse a request on its own account, with a record."""
        world = self._world
        record = self._record(refused, request, known)
        durable = await world.recorder.append(record, loop=world.loop)
        return Settled(Head(request.id, record.release, Kind.REFUSED), refused, durable=durable)

    @contextmanager
    def _noting(self, request: Request, known: Snapshot) -> Iterator[None]:
        """Leave a record of a caller who goes away meanwhile."""
        try:
            yield
        except asyncio.CancelledError:
            self._world.recorder.put(self._record(Abandoned(), request, known))
            raise

    def _record(self, decision: Refused | Abandoned, request: Request, known: Snapshot) -> Record:
        """Return the record of a request that came to no target."""
        caller, plan = request.caller, known.plans[request.feature]
        refused = decision if isinstance(decision, Refused) else None
        return Record(
            request.id,
            request.feature,
            self._world.clock.wall(),
            decision.kind.value,
            plan.release,
            plan.prompt_version,
            unit=caller.unit,
            tenant=caller.tenant,
            key_id=caller.key_id,
            user=caller.user,
            session=caller.session,
            tags=caller.tags,
            call_site=caller.call_site,
            stream=request.stream,
            code=refused.code if refused else "",
            reason=refused.message if refused else "",
            criticality=request.criticality.value,
        )

    async def _given_back(self, decision: Decision, request: Request, known: Snapshot) -> Decision:
        """Return a stored decision with what its marks stand for, as this request tells it."""
        plan = known.plans[request.feature].input
        if plan is None or not isinstance(decision, Answered):
            return decision
        asked = Asked(request.body, request.variables, request.arguments)
        if asked.is_long:
            report = await self._world.off_loop(examine_input, plan, asked)
        else:
            report = examine_input(plan, asked)
        return _with(decision, report.marks)


def _replayed(settled: Settled, created: int) -> Settled:
    """Return a result as a twin gets it: whole, whether or not the first one's was streamed."""
    decision = _with(settled.kept or settled.decision, settled.marks)
    return Settled(
        settled.head,
        decision,
        durable=settled.durable,
        replayed=True,
        created=settled.created if settled.replayed else created,
    )


def _with(decision: Decision, marks: Mapping[str, str]) -> Decision:
    if not marks or not isinstance(decision, Answered):
        return decision
    return msgspec.structs.replace(decision, answer=restored(decision.answer, marks))
