"""Background work: it goes on, it is told when it fails, and it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from seatrial.jobs.supervisor import Job, Supervisor
from seatrial.testing.clock import run


class Told:
    """Notes runs and failures with their times."""

    def __init__(self) -> None:
        self.ran_at: list[float] = []
        self.failed: list[tuple[str, str]] = []

    def report(self, name: str, error: BaseException) -> None:
        self.failed.append((name, type(error).__name__))

    def run(
        self, *errors: BaseException | None, takes_s: float = 0.0
    ) -> Callable[[], Awaitable[None]]:
        """Return work that ends in each of these in turn, and then well."""
        left = list(errors)

        async def work() -> None:
            self.ran_at.append(asyncio.get_running_loop().time())
            await asyncio.sleep(takes_s)
            error = left.pop(0) if left else None
            if error is not None:
                raise error

        return work


def watch(job: Job, told: Told, *, for_s: float) -> None:
    """Run a job for some time."""

    async def scene() -> None:
        supervisor = Supervisor(told.report)
        supervisor.start(job)
        await asyncio.sleep(for_s)
        await supervisor.close()
        assert 1 == len(asyncio.all_tasks()), "nothing is left running"

    run(scene())


@pytest.mark.parametrize(("at_once", "first"), [(True, 0.0), (False, 10.0)])
def test_job_runs_again_and_again(at_once: bool, first: float) -> None:
    """From the end of one run to the start of the next."""
    told = Told()
    watch(Job("tidy", told.run(takes_s=2.0), 10.0, at_once), told, for_s=first + 30.0)

    assert [first, first + 12.0, first + 24.0] == told.ran_at
    assert [] == told.failed


def test_failing_job_goes_on_after_growing_pauses() -> None:
    """One failure is told each time; a good run ends the pauses."""
    told = Told()
    errors = [OSError(), OSError(), OSError(), None]
    watch(Job("tidy", told.run(*errors), 1.0), told, for_s=17.0)

    assert [0.0, 2.0, 6.0, 14.0, 15.0, 16.0] == told.ran_at
    assert [("tidy", "OSError")] * 3 == told.failed


def test_pauses_are_bounded() -> None:
    """A job that fails for a day is tried every minute."""
    told = Told()
    watch(Job("tidy", told.run(*[OSError()] * 9_999), 1.0), told, for_s=86_400.0)

    assert 60.0 == told.ran_at[-1] - told.ran_at[-2]
    assert len(told.ran_at) > 1_400


def test_rare_job_that_fails_is_not_hurried() -> None:
    """Its own interval is kept when it is longer than the pause."""
    told = Told()
    watch(Job("nightly", told.run(OSError()), 3_600.0), told, for_s=4_000.0)

    assert [0.0, 3_600.0] == told.ran_at


def test_cancelled_future_inside_a_job_does_not_end_it() -> None:
    """What a job waited for was cancelled by somebody else: that is a failure like another."""
    told = Told()
    watch(Job("tidy", told.run(asyncio.CancelledError()), 1.0), told, for_s=3.5)

    assert [0.0, 2.0, 3.0] == told.ran_at
    assert [("tidy", "CancelledError")] == told.failed


def test_one_job_s_failure_leaves_the_others_alone() -> None:
    """Each has a task of its own."""
    told, other = Told(), Told()

    async def scene() -> None:
        supervisor = Supervisor(told.report)
        supervisor.start(Job("bad", told.run(*[OSError()] * 99), 1.0))
        supervisor.start(Job("good", other.run(), 1.0))
        await asyncio.sleep(9.5)
        await supervisor.close()

    run(scene())
    assert 10 == len(other.ran_at)


def test_close_interrupts_work() -> None:
    """It waits until the job has let go, and may be called when there is none."""
    let_go = []

    async def work() -> None:
        try:
            await asyncio.sleep(3_600.0)
        finally:
            await asyncio.sleep(1.0)
            let_go.append(asyncio.get_running_loop().time())

    async def scene() -> None:
        supervisor = Supervisor(Told().report)
        await supervisor.close()
        supervisor.start(Job("long", work, 1.0))
        await asyncio.sleep(5.0)
        await supervisor.close()

    run(scene())
    assert [6.0] == let_go


def test_pause_after_failures_has_a_cap_of_its_own() -> None:
    """A job that must notice a recovery soon is not kept away for a minute."""
    told = Told()
    job = Job("store", told.run(*[OSError()] * 20), 2.0, longest_pause_s=5.0)
    watch(job, told, for_s=60.0)

    pauses = [later - earlier for earlier, later in pairwise(told.ran_at)]
    assert 5.0 == max(pauses)
