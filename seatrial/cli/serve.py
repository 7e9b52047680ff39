"""`seatrial serve`: the features behind an OpenAI-compatible gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatrial.app import Seatrial
from seatrial.cli import terminal
from seatrial.cli.log import open_log
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath
from seatrial.errors import StartRefused
from seatrial.gateway.settings import check_bind, door_settings

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.gateway.settings import DoorSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Serving(Seatrial):
    """The one serving process of its store."""

    async def start(self, *, exclusive: bool = True) -> None:
        """Start, and claim the store; a second server on one SQLite file is refused.

        Raises:
            StartRefused: as told by `Seatrial.start`, or others could ask without a key.
        """
        await super().start(exclusive=exclusive)
        host = door_settings(self.config.service).host
        try:
            check_bind(host, keys_exist=keys_in_force(self) != 0)
        except StartRefused:
            await self.close()
            raise


def keys_in_force(serving: Seatrial) -> int | None:
    """Return how many keys are in force; None while the store is away."""
    return serving.keyring.count if serving.keyring.loaded else None


@app.command(epilog="\b\nExample:\n  seatrial serve --listen 127.0.0.1:9000")
def serve(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Listen here; port 0 takes a free one.")
    ] = "",
    store: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Keep records here, as sqlite:FILE.")
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Log in JSON, one event a line, whatever is configured.")
    ] = False,
) -> None:
    """Serve your features to applications, until it is told to stop.

    Changes of the configuration are taken up while it runs; a broken file is refused and told.
    """
    from seatrial.cli.memory import give_back, keep_together, search_seldom
    from seatrial.gateway.serve import run

    keep_together()
    serving = open_serving(config, listen=listen, store=store)
    settings = door_settings(serving.config.service)
    in_json = as_json or logs_json(serving)
    log = open_log(in_json=in_json)
    serving.on_event = log.tell

    def tell_start(host: str, port: int) -> None:
        search_seldom()
        give_back()
        facts = start_facts(serving, settings, port=port)
        if in_json:
            log.tell("serving", facts)
        else:
            tell_people(facts, serving)

    run(serving, settings, listening=tell_start)
    if not in_json:
        ahead = "\n" if sys.stdout.isatty() else ""  # a terminal shows ^C there
        print(f"{ahead}Stopped; every request was finished or told so.", flush=True)
    else:
        log.tell("stopped", {})


def open_serving(config: Path, *, listen: str, store: str) -> Serving:
    """Open the application; where others can reach it, every caller needs a key."""
    overrides: dict[str, object] = {}
    if listen:
        overrides["service.listen"] = listen
    if store:
        overrides["service.store"] = store
    serving = Serving.open(config, overrides=overrides)
    if door_settings(serving.config.service).loopback:
        return serving
    return Serving.open(config, overrides=overrides | {"service.keys": "required"})


def logs_json(serving: Seatrial) -> bool:
    """Return whether the log is for machines: as configured, else what the output is."""
    wanted = serving.config.service.log
    return wanted == "json" or (wanted == "auto" and not sys.stdout.isatty())


def start_facts(serving: Seatrial, settings: DoorSettings, *, port: int) -> dict[str, Any]:
    """Return what is said once it is started."""
    keys = keys_in_force(serving)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "url": f"http://{host}:{port}/v1",
        "features": {name: plan.release for name, plan in serving.plans().items()},
        "keys": "unknown" if keys is None else keys,
        "keys_needed": not serving.keyring.is_open,
        "store": serving.store.name,
        "config": str(serving.config.path),
    }


def tell_people(facts: dict[str, Any], serving: Seatrial) -> None:
    """Say where the gateway is and what it serves, for people."""
    console = terminal.output()
    console.print(f"[bold green]Serving[/] at [bold]{facts['url']}[/]\n")
    table = terminal.plain_table("feature", "route", "release")
    for name, plan in serving.plans().items():
        route = " → ".join(target.name for target in plan.route)
        table.add_row(terminal.escape(name), terminal.escape(route), plan.release[:12])
    console.print(table)
    keys = {True: "needed", False: "not needed: only this machine can ask"}[facts["keys_needed"]]
    if facts["keys_needed"] and facts["keys"] == 0:
        keys = "needed, and none is in force: seatrial keys create NAME"
    console.print(f"\n[dim]API keys  [/]{keys}")
    console.print(f"[dim]records   [/]{terminal.escape(str(facts['store']))}")
    console.print(f"[dim]config    [/]{terminal.escape(facts['config'])}")
    for warning in serving.config.warnings:
        console.print(f"[yellow]warning   [/]{terminal.escape(str(warning))}")
    first = next(iter(serving.plans()), None)
    if first:
        console.print(
            "\n[dim]Point an OpenAI client there, and Ctrl-C stops it:"
            f"\n  base_url = {facts['url']!r}, model = {first!r}",
            soft_wrap=True,
        )
    sys.stdout.flush()
