"""`seatrial demo`: what Seatrial is for, seen in under a minute."""

import os
import shlex
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from seatrial.cli.demo.run import Voyage

BOTH_WERE_RUN: Final = (
    "Both columns were really run, at the same time: two models with the same answers and the "
    "same weather, half of the questions streamed."
)
NO_ANSWER_COUNTS: Final = (
    "a question without an answer counts with the time until the customer knew."
)
CUTS: Final = (
    "What has reached a customer cannot be taken back: an answer that breaks off ends in an "
    "explicit error, and its record says `cut`."
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="\b\nExample:\n  seatrial demo --seconds 20 --keep my-demo")
def demo(
    seconds: Annotated[
        float, typer.Option(min=3, max=600, help="How long the traffic lasts.")
    ] = 36.0,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Put configuration and records here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch an AI feature sail through bad weather: no key, no network, under a minute.

    A small model answers a shop's customers, and suffers an outage, a hang and a brown-out. The
    same questions go straight to such a model and through Seatrial to its twin, both for real.
    """
    from seatrial.cli.demo.run import sail

    for name in [each for each in os.environ if each.startswith("SEATRIAL_")]:
        del os.environ[name]  # meant for the reader's own gateway, not for the demo's
    folder = _folder(keep)
    console = terminal.output()
    began_at = time.monotonic()
    if as_json:
        _tell_json(sail(seconds, folder, watch=lambda voyage: None), began_at)
        return
    voyage = _watch(console, seconds, folder)
    _tell_end(console, voyage)


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="seatrial-"))
    keep.mkdir(parents=True, exist_ok=True)
    if (keep / "seatrial.toml").exists():
        raise typer.BadParameter(f"{keep} holds a seatrial.toml already. Name another folder.")
    return keep


def _watch(console: "Console", seconds: float, folder: Path) -> "Voyage":
    """Run it, with a live picture for a person and plain lines for everything else."""
    from seatrial.cli.demo.progress import Progress
    from seatrial.cli.demo.run import sail

    if not console.is_terminal:
        return sail(seconds, folder, watch=Progress(console).look)
    from rich.live import Live

    from seatrial.cli.demo.display import draw

    with Live(console=console, auto_refresh=False, transient=True) as live:
        live.update("Training the experiment and starting `seatrial serve` …", refresh=True)
        return sail(
            seconds,
            folder,
            watch=lambda voyage: live.update(draw(voyage, width=console.width), refresh=True),
        )


def _facts(voyage: "Voyage") -> dict[str, Any]:
    """Return what is told at the end beside the figures."""
    from seatrial.app import Seatrial
    from seatrial.app.lookup import find_records
    from seatrial.cli.demo.summary import interesting

    store = Seatrial.open(voyage.config).store
    kept = find_records(store, limit=1).matching
    store.close()
    story = interesting(voyage)
    return {
        "config": str(voyage.config),
        "records": kept,
        "interesting": story.record_id if story else "",
    }


def _tell_json(voyage: "Voyage", began_at: float) -> None:
    from seatrial.cli.demo.summary import figures

    terminal.tell_json(
        {
            "seconds": round(time.monotonic() - began_at, 1),
            "straight": figures(voyage.straight),
            "seatrial": figures(voyage.through),
            **_facts(voyage),
        }
    )


def _tell_end(console: "Console", voyage: "Voyage") -> None:
    from seatrial.cli.demo.client import PATIENCE_S, Ending
    from seatrial.cli.demo.summary import draw, explain

    console.print(draw(voyage))
    notes = [
        explain(voyage),
        BOTH_WERE_RUN,
        f"Customers wait {PATIENCE_S:g} s at most; {NO_ANSWER_COUNTS}",
    ]
    if voyage.through.endings[Ending.CUT]:
        notes.append(CUTS)
    facts = _facts(voyage)
    console.print()
    for note in filter(None, notes):
        console.print(f"[dim]- {note}")
    console.print(
        f"\n{facts['records']:,} records, of all that went through Seatrial, are in "
        f"{terminal.escape(str(voyage.folder))}. Next:"
    )
    seatrial, folder = terminal.program(), shlex.quote(str(voyage.folder))
    for command in (
        f"{seatrial} records show {facts['interesting'][:14]} -c {folder}",
        f"{seatrial} records list --decision degraded -c {folder}",
        f"{seatrial} init my-service",
    ):
        console.print(f"  {command}", soft_wrap=True, markup=False)
