"""`seatrial check`: is the configuration as it should be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.errors import ConfigError

if TYPE_CHECKING:
    from seatrial.app import Seatrial

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="\b\nExample:\n  seatrial check --config services/seatrial.toml")
def check(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Check the configuration and what it names: files, functions, secrets.

    Every problem is told at once. Exit code 1 when there is one; warnings alone are 0.
    """
    from seatrial.app import Seatrial

    try:
        opened = Seatrial.open(config)
    except ConfigError as error:
        _tell_problems(error, as_json=as_json)
        raise typer.Exit(1) from error
    if as_json:
        terminal.tell_json(_value(opened))
    else:
        _tell(opened)


def _tell_problems(error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        terminal.tell_json({"ok": False, "problems": error.problems, "warnings": []})
        return
    console = terminal.output()
    for problem in error.problems:
        line = f" (line {problem.line})" if problem.line else ""
        console.print(f"[red]✗[/] [bold]{terminal.escape(problem.path)}[/]{line}")
        console.print(f"  {terminal.escape(problem.message)}")
        if problem.hint:
            console.print(f"  [green]{terminal.escape(problem.hint)}")
    console.print(f"\n[red]{terminal.escape(error.message)}")


def _features(opened: Seatrial) -> list[dict[str, Any]]:
    """Return what each feature comes to."""
    return [
        {
            "name": name,
            "route": [target.name for target in plan.route],
            "deadline_s": plan.policy.deadline_s,
            "prompt_version": plan.prompt_version,
            "release": plan.release,
        }
        for name, plan in opened.plans().items()
    ]


def _value(opened: Seatrial) -> dict[str, Any]:
    return {
        "ok": True,
        "config": str(opened.config.path),
        "features": _features(opened),
        "problems": [],
        "warnings": opened.config.warnings,
    }


def _tell(opened: Seatrial) -> None:
    console = terminal.output()
    table = terminal.plain_table(
        "feature", "route", "deadline", "prompt", "release", right=("deadline",)
    )
    for feature in _features(opened):
        table.add_row(
            terminal.escape(feature["name"]),
            terminal.escape(" → ".join(feature["route"])),
            terminal.seconds(feature["deadline_s"]),
            feature["prompt_version"][:12] or "[dim]the caller's",
            feature["release"][:12],
        )
    if opened.plans():
        console.print(table)
        console.print()
    warnings = opened.config.warnings
    for warning in warnings:
        console.print(f"[yellow]![/] {terminal.escape(str(warning))}")
    count = len(opened.plans())
    features = "1 feature" if count == 1 else f"{count} features"
    told = f", {len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else ""
    console.print(f"[green]✓[/] {terminal.escape(opened.config.path.name)}: {features}{told}.")
