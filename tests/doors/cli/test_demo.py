"""`seatrial demo` as a process, and the figures it shows."""

import asyncio
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from seatrial.cli.demo import display, summary
from seatrial.cli.demo.breakers import Breaker, Breakers
from seatrial.cli.demo.client import Ending, Seen
from seatrial.cli.demo.gateway import ROUTE
from seatrial.cli.demo.run import Voyage
from seatrial.cli.demo.tally import Tally
from seatrial.cli.demo.traffic import Visit
from seatrial.cli.demo.weather import write_script
from seatrial.gateway.serve import Gateway
from seatrial.gateway.settings import DoorSettings
from tests.doors.cli.conftest import Run
from tests.doors.gateway.scripted import FakeApp, State

VISIT = Visit(0.5, "customer-1", "Where is it?", "order_status", "plain")
RIGHT = {"order_status": "On its way."}


def demo(*options: str, folder: Path) -> tuple[str, float]:
    """Run the demo without a terminal; return what it printed and how long it took.

    Args:
        options: of the command line.
        folder: for temporary files.
    """
    began_at = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "seatrial", "demo", *options],
        capture_output=True, text=True, timeout=110, check=True,
        # What a reader has set for a gateway of their own does not reach the demo's.
        env=os.environ | {"TMPDIR": str(folder), "SEATRIAL_SERVICE__LISTEN": "nowhere"},
    )  # fmt: skip
    assert "" == ran.stderr
    return ran.stdout, time.monotonic() - began_at


@pytest.mark.wire
def test_demo_shows_the_difference(run: Run, tmp_path: Path) -> None:
    """Both sides get the same questions; through Seatrial fewer fail, and each has its record."""
    out, took_s = demo(
        "--seconds", "6", "--json", "--keep", str(tmp_path / "kept"), folder=tmp_path
    )
    shown: dict[str, Any] = json.loads(out)
    straight, through = shown["straight"], shown["seatrial"]

    assert took_s < 90  # 12 on a machine with nothing else to do
    assert 504 == straight["asked"] == through["asked"]
    for side in (straight, through):
        ended = ("answered", "degraded", "errors", "cut", "gave_up")
        assert 504 == sum(side[key] for key in ended)
        assert {"p50", "p95", "p99"} == set(side["latency_s"])
    assert straight["errors"] + straight["gave_up"] > 100
    failed = {"errors", "gave_up", "cut"}
    assert 3 * sum(through[key] for key in failed) < sum(straight[key] for key in failed)
    assert through["right_answers"] > straight["right_answers"]
    assert 504 == shown["records"]

    record = run("records", "show", shown["interesting"], "-c", tmp_path / "kept", "--json").json
    assert "degraded" == record["decision"]
    assert "model" == record["attempts"][0]["target"]
    assert 0 == run("check", "-c", tmp_path / "kept").code


@pytest.mark.wire
def test_demo_ends_by_itself_without_a_terminal(tmp_path: Path) -> None:
    """Plain lines tell the weather; then the table, the folder, and what to try next."""
    out, _ = demo("--seconds", "3", folder=tmp_path)

    assert "\x1b" not in out
    for words in (
        "outage: the model refuses connections",
        "hang: the model takes questions and never answers",
        "What the customers saw (252 questions)",
        "252 records",
        "seatrial records show",
    ):
        assert words in out


def test_demo_overwrites_no_configuration(run: Run, service: Path) -> None:
    """A folder that holds a service already is refused before anything runs."""
    assert 2 == run("demo", "--keep", service).code


def seen(ending: Ending, took_s: float = 0.1, **more: Any) -> Seen:
    """Note an ending of now."""
    return Seen(VISIT, ending, took_s=took_s, ended_at=time.monotonic(), **more)


@pytest.fixture
def voyage(tmp_path: Path) -> Voyage:
    """Sail half of a voyage of ten seconds: one side failed twice, the other degraded once."""
    began_at = time.monotonic() - 5
    straight = Tally(("model",), RIGHT, 10.0, began_at=began_at)
    through = Tally(ROUTE, RIGHT, 10.0, began_at=began_at)
    straight.asked = through.asked = 3
    straight.take(seen(Ending.ANSWERED, text="On its way."))
    straight.take(seen(Ending.ERROR, error="HTTP 503"))
    straight.take(seen(Ending.LEFT, 3.0))
    through.take(seen(Ending.ANSWERED, text="On its way.", tier=0, record_id="a"))
    through.take(
        seen(Ending.DEGRADED, 0.8, text="It depends.", tier=2, record_id="b", reason="model rests")
    )
    breakers = (
        Breaker("rules", "closed", 0.0),
        Breaker("model", "open", time.monotonic() + 0.75),
    )
    return Voyage(
        10.0,
        write_script(10.0),
        tmp_path,
        straight,
        through,
        began_at=began_at,
        breakers=breakers,
    )


def test_figures(voyage: Voyage) -> None:
    """Each ending is counted once, right answers by their text, latency over all endings."""
    straight, through = summary.figures(voyage.straight), summary.figures(voyage.through)

    assert (1, 0, 1, 0, 1) == tuple(
        straight[key] for key in ("answered", "degraded", "errors", "cut", "gave_up")
    )
    assert (1, 1) == (straight["right_answers"], through["right_answers"])
    assert {"p50": 0.1, "p95": 3.0, "p99": 3.0} == straight["latency_s"]
    assert {"model": 1, "cache": 0, "rules": 1, "say": 0} == through["by_tier"]


def test_fewer_answers_of_the_model_are_explained(voyage: Voyage) -> None:
    """The line stands where both are so, and nowhere else."""
    assert "" == summary.explain(voyage)
    voyage.straight.take(seen(Ending.ANSWERED, text="Something else."))
    assert "" == summary.explain(voyage)
    voyage.through.take(seen(Ending.DEGRADED, text="On its way.", tier=2))
    assert "Retry-After" in summary.explain(voyage)


def test_interesting_request_has_a_story(voyage: Voyage) -> None:
    """The request to look at is one that the rules saved."""
    story = summary.interesting(voyage)

    assert story is not None
    assert "b" == story.record_id


@pytest.mark.parametrize("width", [60, 80, 120])
def test_picture_fits(voyage: Voyage, width: int) -> None:
    """The live picture keeps to the terminal's width, and names every spell of weather."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(display.draw(voyage, width=width))
    lines = console.export_text().splitlines()

    assert [] == [line for line in lines if len(line.rstrip()) > width]
    assert 17 == len(lines)
    if width >= 80:
        assert "fine outage 503 fine hang fine brown-out fine" == " ".join(lines[2].split())
        assert "model ○ open, rests 0.7 s   rules ● closed" in lines[-2]
    assert "model ○ open, rests 0.7 s" in lines[-2]
    assert "model rests" in lines[-1]


@pytest.mark.parametrize(
    ("state", "rests_s", "said"),
    [
        ("closed", 0.0, "● closed"),
        ("closed", 0.98, "● closed, told to wait 1.0 s"),
        ("open", 0.48, "○ open, rests 0.5 s"),
        ("open", 0.0, "○ open, rests 0.0 s"),
        ("probing", 0.0, "◐ probing"),
    ],
)
def test_breaker_in_words(state: str, rests_s: float, said: str) -> None:
    """Sign and word stand together, so that nothing hangs on a colour."""
    assert said == display.tell_breaker(Breaker("model", state, time.monotonic() + rests_s))


def test_breakers_are_the_gateways_own_word() -> None:
    """They are read over HTTP; a gateway that is gone leaves the last word standing."""
    resting = State("model", "127.0.0.1:1", "open", rests_s=5.0)

    async def scene() -> tuple[Breaker, ...]:
        gateway = Gateway(FakeApp(states=(resting,)), DoorSettings(port=0))
        await gateway.start()
        breakers = Breakers(f"http://127.0.0.1:{gateway.port}")
        following = asyncio.create_task(breakers.follow())
        while not breakers.now:  # noqa: ASYNC110 - it looks by itself, as the display does
            await asyncio.sleep(0.01)
        gateway.stop()
        await gateway.wait()
        await asyncio.sleep(0.6)
        assert not following.done()
        following.cancel()
        return breakers.now

    (breaker,) = asyncio.run(asyncio.wait_for(scene(), 10))

    assert ("model", "open") == (breaker.target, breaker.state)
    assert 3 < breaker.rests_s < 5
