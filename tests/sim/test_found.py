"""What the simulator has found: each as a day of its own, or as the moment itself."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.ports import Ended
from seatrial.providers.http import EventStream
from seatrial.testing.clock import run
from seatrial.testing.simulate import DayPlan, judge, plan_day, run_plan
from seatrial.testing.simulate.accounts import NOBODY, KeyPlan, PricePlan, PurseHolder
from seatrial.testing.simulate.folders import prepare
from seatrial.testing.simulate.plan import (
    SPAN_S,
    Arrival,
    Death,
    DiskFault,
    FaultPlan,
    FeaturePlan,
    TargetPlan,
)
from seatrial.testing.simulate.promises import (
    store_outage_changes_nothing,
    without_questions_for_the_store,
)
from seatrial.values.decisions import Refused


def quiet_day(*route: str, **changes: object) -> DayPlan:
    """Return a day on which nothing happens but what the test says."""
    targets = tuple(
        TargetPlan(name, "openai", 1, 1, think_s=0.1, gap_s=0.01, words=6)
        for name in ("t0", "t1", "t2")
    )
    plan = replace(
        plan_day(0),
        targets=targets,
        features=(FeaturePlan("f0", route, 20.0),),
        arrivals=(),
        faults=(),
        store_faults=(),
        journal_faults=(),
        deaths=(),
        reloads=(),
        leaps=(),
        drill="",
        keys=(),
        forgotten=False,
        shared=False,
        counter_faults=(),
        surge="",
    )
    return replace(plan, **changes)  # type: ignore[arg-type]  # fields of DayPlan


def always(target: str, name: str, **params: object) -> FaultPlan:
    """Return a fault that strikes every call of a target."""
    return FaultPlan(f"{target}a.example", name, params, 1.0, 0.0, SPAN_S)  # type: ignore[arg-type]


def test_two_failing_targets_leave_an_attempt_for_the_third() -> None:
    """Second tries used up the attempts of a request before its healthy target was asked."""
    asked = tuple(Arrival(10.0 + place, "f0", f"question {place}", False) for place in range(3))
    facts = run_plan(
        quiet_day(
            "t0",
            "t1",
            "t2",
            arrivals=asked,
            faults=(always("t0", "http-500"), always("t1", "http-500")),
        )
    )

    assert ["t2"] * 3 == [seen.head.target for seen in facts.seen[:3] if seen.head]
    assert [] == judge(facts)


def test_fixed_text_is_not_cached() -> None:
    """What `say` says came back from the cache, labelled as an answer of a minute ago."""
    asked = tuple(Arrival(10.0 + place, "f0", "the same", False) for place in range(3))
    facts = run_plan(
        quiet_day("t0", "cache", "say", arrivals=asked, faults=(always("t0", "http-500"),))
    )

    assert ["say"] * 3 == [seen.head.target for seen in facts.seen[:3] if seen.head]
    assert "" == facts.record_of[facts.seen[0].id].cache_key


def test_store_that_hangs_at_the_start_is_waited_for_in_the_background(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first look at the store was left to fail with nobody to hear it."""
    plan = quiet_day("t0", arrivals=(Arrival(20.0, "f0", "question", False),))
    facts = run_plan(replace(plan, store_faults=(DiskFault("hung", 0.0, 30.0),)))
    gc.collect()

    assert [] == judge(facts)
    assert "never retrieved" not in caplog.text


def test_what_only_memory_held_dies_uncounted_with_the_process() -> None:
    """Journal and store both fail: nothing was called durable, so nothing was promised."""
    asked = tuple(Arrival(10.0 + place, "f0", f"question {place}", False) for place in range(3))
    facts = run_plan(
        quiet_day(
            "t0",
            arrivals=asked,
            store_faults=(DiskFault("away", 0.0, 30.0),),
            journal_faults=(DiskFault("full", 0.0, 30.0),),
            deaths=(Death(15.0),),
        )
    )

    assert [False] * 3 == [seen.durable for seen in facts.seen[:3]]
    assert [] == judge(facts)


def test_money_that_only_the_journal_knew_of_is_not_spent_again() -> None:
    """After a start the counters were filled from the ledger, which lacked the last records."""
    price = PricePlan(1.0, 1.0, 0.01)
    targets = tuple(replace(each, price=price) for each in quiet_day("t0").targets)
    asked = tuple(
        Arrival(10.0 + place, "f0", f"question {place}", False, bounded=True) for place in range(20)
    )
    plan = quiet_day(
        "t0",
        targets=targets,
        features=(FeaturePlan("f0", ("t0",), 20.0, purse=PurseHolder((("usd_day", 0.105),))),),
        arrivals=asked,
        store_faults=(DiskFault("away", 12.0, 18.2),),
        deaths=(Death(18.1),),
    )
    facts = run_plan(plan)

    assert 10 == sum(seen.how == "answer" for seen in facts.seen)
    assert [] == judge(facts)


def test_new_key_waits_while_the_store_is_away() -> None:
    """A key that another process had made was called invalid, since this one knew some keys."""
    asked = tuple(Arrival(10.0 + place, "f0", "question", False, key=NOBODY) for place in (0, 20))
    plan = quiet_day(
        "t0",
        keys=(KeyPlan("key0", "0123456789abcdef"),),
        arrivals=asked,
        store_faults=(DiskFault("away", 20.0, 60.0),),
    )
    facts = run_plan(plan)

    told = [seen.refused.code for seen in facts.seen[:2] if seen.refused]
    assert ["invalid_key", "keys_unavailable"] == told
    assert [] == judge(facts)


def test_twin_reads_the_same_refusal() -> None:
    """Its words have no signature: for a twin, who asked nobody, they passed for a cut answer."""
    asked = tuple(Arrival(10.0 + place, "f0", "question", False, twin="one") for place in (0, 20))
    facts = run_plan(quiet_day("t0", arrivals=asked, faults=(always("t0", "refusal"),)))

    first, twin = facts.seen[:2]
    assert ("", first.id) == (twin.id, twin.first_id)
    assert "I cannot help with that request." == first.text == twin.text
    assert [] == judge(facts)


def test_keys_that_nobody_could_read_are_asked_for_in_every_life() -> None:
    """The store is away from the morning on, and the process dies: it was blamed for waiting."""
    asked = tuple(Arrival(at_s, "f0", "question", False, key="key0") for at_s in (10.0, 20.0, 60.0))
    plan = quiet_day(
        "t0",
        keys=(KeyPlan("key0", "0123456789abcdef"),),
        forgotten=True,
        arrivals=asked,
        store_faults=(DiskFault("away", 0.0, 30.0),),
        deaths=(Death(15.0),),
    )
    facts = run_plan(plan)

    told = [seen.refused.code if seen.refused else seen.how for seen in facts.seen[:3]]
    assert ["keys_unavailable", "keys_unavailable", "answer"] == told
    assert [] == judge(facts)


def test_who_forgets_keys_it_could_read_is_found() -> None:
    """A start without the store serves with what an earlier process read; else it is told."""
    asked = tuple(Arrival(at_s, "f0", "question", False, key="key0") for at_s in (10.0, 40.0))
    plan = quiet_day(
        "t0",
        keys=(KeyPlan("key0", "0123456789abcdef"),),
        forgotten=True,
        arrivals=asked,
        store_faults=(DiskFault("away", 29.0, 60.0),),
        deaths=(Death(30.0),),
    )
    facts = run_plan(plan)
    assert ["answer", "answer"] == [seen.how for seen in facts.seen[:2]]

    later = facts.seen[1]
    later.id, later.decision = "", Refused("keys_unavailable", "Ask again.", status=503)
    assert {17, 18} <= {violation.promise for violation in judge(facts)}


def test_keys_of_yesterday_stand_in_the_store_that_a_day_begins_with(tmp_path: Path) -> None:
    """On some days they stood only in the log beside it, which was not copied: nobody had any."""
    keys = tuple(KeyPlan(f"key{place}", f"{place:016x}") for place in range(3))
    prepare(tmp_path, keys=keys, forgotten=True)
    (tmp_path / "seatrial.toml").write_text('[features.f0]\nroute = ["say"]\nsay = "Hm."\n')

    found = Seatrial.open(tmp_path / "seatrial.toml", environ={}).store.keys.all()
    assert [key.id for key in keys] == sorted(key.id for key in found)


def test_twins_that_wait_for_the_store_change_nothing_for_others() -> None:
    """Their part of a target's time was free: all after them met another day, and were blamed."""
    asked = tuple(
        Arrival(10.0 + place, "f0", f"question {place}", True, twin="" if place % 3 else "twin")
        for place in range(12)
    )
    plan = quiet_day("t0", arrivals=asked, store_faults=(DiskFault("hung", 9.0, 30.0),))
    part = without_questions_for_the_store(plan)
    facts, sound = run_plan(part), run_plan(replace(part, store_faults=()))

    assert 8 == len(part.arrivals)
    assert [] == store_outage_changes_nothing(facts, sound)
    assert [(seen.text, seen.ended) for seen in facts.seen] == [
        (seen.text, seen.ended) for seen in sound.seen
    ]


def test_saving_may_begin_late_only_while_the_ledger_cannot_be_read() -> None:
    """Who must save follows from the ledger: without it everybody goes on as before."""
    price = PricePlan(1.0, 1.0, 0.01)
    targets = tuple(replace(each, price=price) for each in quiet_day("t0").targets)
    purse = PurseHolder((("usd_month", 0.5),))
    asked = tuple(
        Arrival(10.0 + place, "f0", f"question {place}", False, bounded=True, criticality="batch")
        for place in range(90)
    )
    plan = quiet_day(
        "t0",
        "t1",
        targets=targets,
        features=(FeaturePlan("f0", ("t0", "t1"), 20.0, purse=purse),),
        arrivals=asked,
        store_faults=(DiskFault("away", 30.0, 80.0),),
    )
    facts, sound = run_plan(plan), run_plan(replace(plan, store_faults=()))

    assert facts.savings[0].at > sound.savings[0].at + 30.0
    assert [] == store_outage_changes_nothing(facts, sound)
    facts.plan = replace(plan, store_faults=())  # as if it had been well
    assert 1 == len(store_outage_changes_nothing(facts, sound))


class Reply:
    """A reply whose stream says all there is to say, and does not end."""

    status = 200

    def __init__(self) -> None:
        self.closed = False

    async def bytes(self) -> AsyncIterator[bytes]:
        """Yield one event, then nothing more."""
        yield b"data: [DONE]\n\n"
        await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Note that it was let go."""
        self.closed = True


class Pulse:
    """Hears nothing."""

    def token(self) -> None:
        """Say that something useful came."""


def test_caller_who_leaves_while_a_stream_is_let_go() -> None:
    """A finished stream waits a moment for its end; who left then kept the connection open."""

    async def leave() -> bool:
        reply = Reply()
        stream = EventStream(
            reply,  # type: ignore[arg-type]  # as much of a reply as a stream needs
            reply.bytes(),
            read=lambda event: Ended(),
            at_end=Ended,
            pulse=Pulse(),  # type: ignore[arg-type]
        )
        await stream.next()
        closing = asyncio.create_task(stream.close())
        await asyncio.sleep(0.001)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        return reply.closed

    assert run(leave())
