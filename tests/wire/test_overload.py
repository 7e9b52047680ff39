"""More than a real gateway can do, and one key that asks for all of it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from random import Random

import pytest

from seatrial.testing.overload import Figures, Lines, Settings, open_loop, run_trial, scene
from seatrial.testing.overload._scene import FEATURE

pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]

SHORT = Settings(places=16, answer_s=0.1, peak_s=3.0, flood_s=4.0, calm_s=6.0)
LONG = Settings()
SHARED = Settings(places=100, answer_s=0.1, times=10.0)


def found(name: str, settings: Settings) -> Figures:
    """Run a trial; its table is shown when the test fails."""
    figures = asyncio.run(run_trial(name, settings, print))
    sys.stdout.write(figures.as_text())
    return figures


def check_honest(figures: Figures) -> None:
    """Whatever the machine does besides: nobody is cut off, all are told when to come again."""
    for name in ("broken or never answered", "kept connections closed", "in flight at the end"):
        assert 0 == figures.value(name), name
    assert 1.0 == figures.value("refusals with Retry-After")
    assert figures.value("shortest wait told") >= 1.0
    assert figures.value("longest wait told") <= 3.001


def test_goodput_holds_at_three_times_the_peak() -> None:
    """In a few seconds on a busy machine: most of the peak, quick refusals, soon as before."""
    figures = found("overload", SHORT)

    check_honest(figures)
    assert figures.value("refused") > 0.4 * 4.0 * figures.value("offered")
    assert figures.value("goodput of the peak") > 0.7
    assert figures.value("refusals' p50, callers' side") < 20.0
    assert figures.value("normal again after") <= 5.0
    assert figures.value("memory grew by") < 0.2


def test_a_greedy_key_takes_nothing_from_others() -> None:
    """In a few seconds on a busy machine: the others are answered, the greedy key is told."""
    figures = found("share", replace(SHARED, places=40, peak_s=2.0, flood_s=4.0, keys=5))

    check_honest(figures)
    assert figures.value("others are answered") > 0.97
    assert figures.value("status 429") > 0.5 * 4.0 * figures.value("greedy key offers")


def test_the_gateway_says_that_it_is_overloaded() -> None:
    """While more comes than can be done `/readyz` lists it, and is ready all the same."""

    async def main() -> tuple[dict[str, object], dict[str, object]]:
        with scene(places=4, answer_s=0.2) as here:
            lines = Lines(here.gateway.port, FEATURE)
            flood = asyncio.create_task(open_loop(lines, [100.0], seconds=3.5, dice=Random(1)))
            await asyncio.sleep(3.2)
            said = await asyncio.to_thread(here.gateway.ready)
            told = await asyncio.to_thread(here.load)
            await flood
            await lines.drain()
            await lines.close()
            return said, told

    said, told = asyncio.run(main())

    assert said["ready"] is True
    assert any("overloaded" in part for part in said["degraded"])  # type: ignore[attr-defined]
    assert (True, 4, 4) == (told["overloaded"], told["capacity"], told["in_flight"])
    assert told["refused"]["overloaded"] > 50  # type: ignore[index]


@pytest.mark.slow
def test_overload_for_a_minute() -> None:
    """Three times the peak for 60 s, with every aim."""
    assert found("overload", LONG).passed


@pytest.mark.slow
def test_a_greedy_key_for_a_minute() -> None:
    """One key of ten at ten times its share, with every aim."""
    assert found("share", SHARED).passed


@pytest.mark.slow
def test_a_processor_that_is_used_up() -> None:
    """No place is the limit: what is answered stays more than half of the peak."""
    figures = found("cpu", replace(LONG, flood_s=20.0))

    check_honest(figures)
    assert figures.value("goodput of the peak") > 0.5
