"""The recorder: a record is durable, late, or counted as lost, whatever journal and store do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from seatrial.engine.recorder import Recorder
from seatrial.engine.recording import RecorderCounts, RecorderSettings
from seatrial.ports import Sealed
from seatrial.values.records import AttemptRecord, Record
from seatrial.values.sealing import unseal
from tests.patience import LONG_S, until
from tests.rooms.engine.keeping import ListJournal, SetRecords

pytestmark = pytest.mark.anyio

# Patience is long where nobody is to run out of it: the machine may be busy.
QUICK = RecorderSettings(
    patience_s=5.0,
    sync_patience_s=5.0,
    sync_every_s=0.05,
    gather_s=0.01,
    backoff_s=0.01,
    backoff_cap_s=0.05,
    stuck_s=0.2,
)
HASTY = replace(QUICK, patience_s=0.2, sync_patience_s=0.4)


class World:
    """A recorder between a journal and a store that misbehave on request."""

    def __init__(self) -> None:
        self.journal = ListJournal()
        self.records = SetRecords()
        self.started: list[Recorder] = []

    def recorder(self, settings: RecorderSettings = QUICK, *, inline: bool = False) -> Recorder:
        made = Recorder(self.journal, self.records, settings=settings, inline=inline)
        self.started.append(made)
        made.start()
        return made


@pytest.fixture
def world() -> Iterator[World]:
    """Make a world, and end what hangs in it."""
    made = World()
    yield made
    made.journal.go.set()
    made.records.go.set()
    for recorder in made.started:
        for thread in recorder._threads:
            thread.join(5)


def record(number: int, **changes: object) -> Record:
    """Make the record of that number."""
    return Record(f"r{number}", "support", float(number), "answer", **changes)  # type: ignore[arg-type]


async def test_true_means_the_journal_holds_it(world: World) -> None:
    """The answer to `append` comes once the record survives the process, store or no store."""
    world.records.away = True
    recorder = world.recorder()

    assert await recorder.append(record(1))
    assert ["r1"] == [each.record.id for each in world.journal.held]
    await recorder.close(1)


async def test_only_the_encoding_holds_the_content(world: World) -> None:
    """What waits for the store is counted by its encoding: nothing large waits beside it."""
    recorder = world.recorder()
    failed, good = AttemptRecord("a", cause="connect"), AttemptRecord("b", usage={"total": 3})
    whole = record(1, input={"q": 1}, output={"text": "yes"}, attempts=(failed, good))

    assert await recorder.append(whole)
    (held,) = world.journal.held
    assert whole == unseal(held.blob)
    assert (None, None, (failed,)) == (
        held.record.input,
        held.record.output,
        held.record.attempts,
    )
    await recorder.close(1)


async def test_records_reach_the_store_once_and_the_journal_forgets(world: World) -> None:
    """A thousand at once: all kept, in few batches, nothing waiting afterwards."""
    recorder = world.recorder()
    durable = await asyncio.gather(*(recorder.append(record(n)) for n in range(1_000)))
    counts = await recorder.close(5)

    assert all(durable)
    assert {f"r{n}" for n in range(1_000)} == set(world.records.rows)
    assert RecorderCounts(taken=1_000, kept=1_000) == counts
    assert (0, 0) == world.journal.size()
    assert world.journal.appends < 100
    assert world.journal.closed


@pytest.mark.parametrize("trouble", ["away", "hangs"])
async def test_a_store_that_does_not_answer_delays_nothing(world: World, trouble: str) -> None:
    """Answers wait for the journal alone; when the store is back, all records are there, once."""
    recorder = world.recorder()
    if trouble == "away":
        world.records.away = True
    else:
        world.records.go.clear()
    async with asyncio.timeout(LONG_S):
        for number in range(200):
            assert await recorder.append(record(number)), "neither late nor not at all"
    assert 200 == recorder.counts().waiting
    if trouble == "away":
        await until(lambda: recorder.counts().store_errors > 0)
        assert recorder.counts().stuck

    world.records.away = False
    world.records.go.set()
    await until(lambda: recorder.counts().waiting == 0)
    await until(lambda: not recorder.counts().stuck)
    counts = await recorder.close(5)

    assert 200 == len(world.records.rows) == counts.kept
    assert 0 == counts.dropped == counts.late


async def test_what_an_earlier_process_left_is_carried_on(world: World) -> None:
    """Before and beside the new records."""
    left = ListJournal()
    first = Recorder(left, world.records, inline=True)
    for number in range(700):
        assert await first.append(record(number))
    world.journal.held = left.held

    recorder = world.recorder()
    assert await recorder.append(record(700))
    counts = await recorder.close(5)

    assert 701 == len(world.records.rows) == counts.kept
    assert 0 == counts.waiting


async def test_a_long_outage_is_read_back_from_the_journal(world: World) -> None:
    """Beyond its memory the recorder keeps nothing twice: the journal has it."""
    recorder = world.recorder(replace(QUICK, memory_bytes=5_000))
    world.records.away = True
    for number in range(500):
        assert await recorder.append(record(number))
    assert recorder._carriage._hot_bytes <= 5_000

    world.records.away = False
    for number in range(500, 600):
        assert await recorder.append(record(number))
    counts = await recorder.close(5)

    assert 600 == len(world.records.rows) == counts.kept
    assert (0, 0) == world.journal.size()


async def test_a_slow_journal_is_not_waited_for(world: World) -> None:
    """After the patience the answer leaves, called late; the record still arrives."""
    recorder = world.recorder(HASTY)
    world.journal.go.clear()
    began = time.monotonic()

    durable = await asyncio.gather(*(recorder.append(record(n)) for n in range(3)))

    assert [False] * 3 == durable
    assert 0.19 < time.monotonic() - began < QUICK.patience_s
    assert 3 == recorder.counts().late
    world.journal.go.set()
    counts = await recorder.close(5)
    assert 3 == counts.kept
    assert 0 == counts.dropped


async def test_a_hung_journal_is_passed_by(world: World) -> None:
    """What queues behind an append that hangs goes to the store directly."""
    recorder = world.recorder(HASTY)
    world.journal.go.clear()
    assert not await recorder.append(record(0))
    recorder.put(record(1))

    await until(lambda: "r1" in world.records.rows)
    assert "r0" not in world.records.rows
    world.journal.go.set()
    await recorder.close(5)
    assert {"r0", "r1"} == set(world.records.rows)


async def test_closing_while_the_journal_hangs_ends_every_thread(world: World) -> None:
    """What was passed by is stored; once the append returns, nothing is left running."""
    recorder = world.recorder()
    world.journal.go.clear()
    recorder.put(record(0))
    await until(lambda: world.journal.begun == 1)
    recorder.put(record(1))

    await recorder.close(4)
    assert ["r1"] == list(world.records.rows)
    world.journal.go.set()

    await until(lambda: not any(thread.is_alive() for thread in recorder._threads))


async def test_a_full_disk_sends_records_to_the_store(world: World) -> None:
    """The journal refuses: durable is said when the store has it."""
    recorder = world.recorder()
    world.journal.refuses = True

    assert await recorder.append(record(1))

    assert ["r1"] == list(world.records.rows)
    assert [(1, True)] == world.records.batches, "nothing else holds it: it must be on disk"
    assert 1 == recorder.counts().journal_errors
    await recorder.close(5)


async def test_without_journal_and_store_the_loss_is_exact(world: World) -> None:
    """Memory holds what fits; each record beyond it is counted, none is called durable."""
    recorder = world.recorder(replace(QUICK, patience_s=0.05, memory_bytes=1_000))
    world.journal.refuses = True
    world.records.away = True
    durable = [await recorder.append(record(n)) for n in range(100)]
    dropped = recorder.counts().dropped

    assert not any(durable)
    assert 0 < dropped < 100
    world.records.away = False
    counts = await recorder.close(5)
    assert 100 - dropped == counts.kept == len(world.records.rows)
    assert dropped == counts.dropped
    assert "lost" in counts.last_error or "took no records" in counts.last_error


async def test_the_end_counts_what_is_lost_with_it(world: World) -> None:
    """Neither journal nor store by the end: the last word is the exact number."""
    recorder = world.recorder()
    world.journal.refuses = True
    world.records.away = True
    for number in range(7):
        recorder.put(record(number))

    counts = await recorder.close(0.3)

    assert (7, 7, 0, 0) == (counts.taken, counts.dropped, counts.kept, counts.waiting)


async def test_a_hand_off_waits_for_the_disk(world: World) -> None:
    """`sync` says True only after a sync that began after the append."""
    recorder = world.recorder()

    assert await recorder.append(record(1), sync=True)
    assert 1 <= world.journal.synced
    assert 1 <= world.journal.syncs
    await recorder.close(5)


async def test_a_hand_off_survives_a_disk_that_does_not_sync(world: World) -> None:
    """The store's synced commit stands in; without that, nothing is promised."""
    recorder = world.recorder(HASTY)
    world.journal.sync_fails = True

    assert await recorder.append(record(1), sync=True)
    assert "r1" in world.records.rows
    assert world.records.batches[-1][1]

    world.records.away = True
    assert not await recorder.append(record(2), sync=True)
    await recorder.close(0.5)


async def test_the_journal_is_synced_soon_after_any_record(world: World) -> None:
    """Machine death costs less than a second, though nobody waits for the disk."""
    world.records.away = True
    recorder = world.recorder()
    assert await recorder.append(record(1))

    await until(lambda: world.journal.synced == 1)
    syncs = world.journal.syncs
    await asyncio.sleep(0.2)
    assert syncs == world.journal.syncs, "an idle disk is left alone"
    await recorder.close(0.5)


async def test_the_journal_forgets_only_what_the_store_has_on_disk(world: World) -> None:
    """The last batch before a settled mark was a synced one."""
    recorder = world.recorder(replace(QUICK, batch=10, sync_every_s=60.0))
    await asyncio.gather(*(recorder.append(record(n)) for n in range(300)))
    await until(lambda: recorder.counts().waiting == 0)

    assert world.records.batches[-1][1]
    await recorder.close(5)


async def test_a_caller_who_is_cancelled_loses_nothing(world: World) -> None:
    """The record is taken at the call, not at the await."""
    recorder = world.recorder()
    world.journal.go.clear()

    async def answer() -> None:
        await recorder.append(record(1))

    task = asyncio.create_task(answer())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    recorder.put(record(2))
    world.journal.go.set()
    await recorder.close(5)

    assert {"r1", "r2"} == set(world.records.rows)


async def test_a_record_the_store_can_never_hold_stops_no_other(world: World) -> None:
    """It is singled out, counted, and passed over."""
    world.records.poison = "r13"
    recorder = world.recorder()
    await asyncio.gather(*(recorder.append(record(n)) for n in range(40)))
    await until(lambda: recorder.counts().waiting == 0)
    counts = await recorder.close(5)

    assert 39 == counts.kept == len(world.records.rows)
    assert 1 == counts.dropped


async def test_a_record_that_cannot_be_written_whole_leaves_its_bones(world: World) -> None:
    """Half a character or a number beyond all bounds costs the content, not the record."""
    recorder = world.recorder()
    odd = record(
        1,
        user="ann \ud800",
        input={"seed": 10**40},
        attempts=(AttemptRecord("large", cause="raised", usage={"n": 10**40}),),
    )

    assert await recorder.append(odd)
    await recorder.close(5)

    kept = world.records.rows["r1"]
    assert ("ann ?", None, ("content_not_sealed",)) == (kept.user, kept.input, kept.flags)
    assert "raised" == kept.attempts[0].cause


async def test_a_store_that_raises_anything_is_tried_again(world: World) -> None:
    """A mistake of an adapter's must not end the thread."""
    recorder = world.recorder()
    good, calls = world.records.add, []

    def bad(batch: Sequence[Sealed], *, sync: bool = False) -> int:
        calls.append(len(batch))
        if len(calls) < 3:
            raise KeyError("a mistake")
        return good(batch, sync=sync)

    world.records.add = bad  # type: ignore[method-assign]
    assert await recorder.append(record(1))
    await until(lambda: "r1" in world.records.rows)
    counts = await recorder.close(5)

    assert 2 == counts.store_errors


async def test_after_the_end_nothing_is_taken(world: World) -> None:
    """It says so, and counts it."""
    recorder = world.recorder()
    await recorder.close(5)

    assert not await recorder.append(record(1))
    assert 1 == recorder.counts().dropped
    await recorder.close(5)


async def test_closing_does_not_wait_for_a_hung_store(world: World) -> None:
    """The journal has the records; the next process carries them on."""
    recorder = world.recorder()
    world.records.go.clear()
    assert await recorder.append(record(1))
    await asyncio.sleep(0.05)
    began = time.monotonic()

    counts = await recorder.close(0.3)

    assert time.monotonic() - began < 10.0
    assert (1, 0) == (counts.waiting, counts.dropped)
    assert world.journal.closed


def test_one_recorder_serves_many_loops(world: World) -> None:
    """Loops come and go, as with `asyncio.run` around each call."""
    recorder = world.recorder()

    async def ask(number: int) -> bool:
        return await recorder.append(record(number))

    assert all(asyncio.run(ask(number)) for number in range(5))
    assert 1 == len(recorder._desks)
    asyncio.run(recorder.close(5))
    assert 5 == len(world.records.rows)


def test_a_loop_that_ends_early_loses_nothing(world: World) -> None:
    """A caller was cancelled and the loop closed while records were still gathering on it."""
    recorder = world.recorder()

    async def leave(number: int) -> None:
        await recorder.append(record(number))
        recorder.append(record(number + 100))

    for number in range(5):
        asyncio.run(leave(number))
    asyncio.run(recorder.close(5))

    assert 10 == len(world.records.rows)
    assert 0 == recorder.counts().waiting


def test_inline_writes_at_the_call_and_carries_when_told(world: World) -> None:
    """No thread, no loop: the simulator owns the time."""
    recorder = world.recorder(inline=True)

    def known(awaitable: object) -> bool:
        try:
            awaitable.__await__().send(None)  # type: ignore[attr-defined]
        except StopIteration as done:
            return bool(done.value)
        pytest.fail("it waited")

    assert known(recorder.append(record(1), sync=True))
    assert (1, 1) == (len(world.journal.held), world.journal.synced)
    assert not world.records.rows
    assert recorder.catch_up()
    assert ["r1"] == list(world.records.rows)
    assert (0, 0) == world.journal.size()

    world.records.away = True
    assert known(recorder.append(record(2)))
    assert not recorder.catch_up()
    world.journal.refuses = True
    assert not known(recorder.append(record(3)))
    world.records.away = False
    assert known(recorder.append(record(4)))
    assert {"r1", "r2", "r3", "r4"} == set(world.records.rows)
    assert not recorder._threads
