"""`seatrial budget`: what was spent of each budget, and changing one in the file."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.costs import money
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.values.criticality import Criticality
from seatrial.values.prices import dollars

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.app.budgeting import Books, Change, FeatureBudget, Line

MOST_LINES: Final = 20  # of each feature's keys and users together

app = typer.Typer(
    add_completion=False,
    help="Show what was spent of each budget; change one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  seatrial budget show\n  seatrial budget set support --usd-month 50",
)


@app.command(epilog="\b\nExample:\n  seatrial budget show --feature support")
def show(
    feature: Annotated[str, typer.Option(help="Only of this feature.")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show ceilings, what the ledger has booked, and what the month will cost.

    Days and months are those of UTC. Where counters are shared, `held` is what they hold beyond
    the ledger: reserved for requests on their way, or spent without a report.
    """
    from seatrial.app.budgeting import read_budgets
    from seatrial.cli.opening import open_with_store

    app = open_with_store(config)
    books = asyncio.run(read_budgets(app.store, app.config, at=time.time(), feature=feature))
    if as_json:
        found = [_feature_value(each) for each in books.features]
        terminal.tell_json({"features": found, "counters_problem": books.away})
        return
    _tell(books)


@app.command("set", epilog="\b\nExample:\n  seatrial budget set support --usd-month 50 --usd-day 4")
def set_(
    feature: Annotated[str, typer.Argument(help="Its name in the configuration.")],
    usd_day: Annotated[
        float | None, typer.Option(metavar="USD", help="By the feature, per day.")
    ] = None,
    usd_month: Annotated[
        float | None, typer.Option(metavar="USD", help="By the feature, per month.")
    ] = None,
    key_usd_day: Annotated[
        float | None, typer.Option(metavar="USD", help="By each API key, per day.")
    ] = None,
    key_usd_month: Annotated[
        float | None, typer.Option(metavar="USD", help="By each API key, per month.")
    ] = None,
    user_usd_day: Annotated[
        float | None, typer.Option(metavar="USD", help="By each user, per day.")
    ] = None,
    user_usd_month: Annotated[
        float | None, typer.Option(metavar="USD", help="By each user, per month.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Set a feature's budgets in the configuration file.

    Its comments and layout stay. The whole configuration is checked before the file is replaced;
    a running server takes it up by itself. To lift a ceiling, take its line out of the file.
    """
    from seatrial.app.budgeting import set_budget

    given = {
        "usd_day": usd_day,
        "usd_month": usd_month,
        "key_usd_day": key_usd_day,
        "key_usd_month": key_usd_month,
        "user_usd_day": user_usd_day,
        "user_usd_month": user_usd_month,
    }
    values = {name: usd for name, usd in given.items() if usd is not None}
    if not values:
        raise typer.BadParameter("say which budget, such as --usd-month 50.")
    for name, usd in values.items():
        if not math.isfinite(usd) or usd < 0:
            raise typer.BadParameter(f"--{name.replace('_', '-')} should be 0 or more.")
    changes = set_budget(config, feature, values)
    if as_json:
        terminal.tell_json({"feature": feature, "changes": changes})
        return
    _tell_changes(config, feature, changes)


def _tell_changes(config: Path, feature: str, changes: tuple[Change, ...]) -> None:
    console = terminal.output()
    for change in changes:
        old = "no ceiling" if change.old is None else _dollars(change.old)
        name = terminal.escape(f"features.{feature}.budgets.{change.name}")
        if change.old == change.new:
            console.print(f"{name} is {_dollars(change.new)} already.")
        else:
            console.print(f"{name}: {old} → [bold]{_dollars(change.new)}[/]")
        if change.note:
            console.print(f"[yellow]![/] {change.note}")
    if any(change.old != change.new for change in changes):
        console.print(
            f"[dim]Written to {terminal.escape(str(config))}. A running server takes it up within "
            "seconds, unless it was told not to (`reload`)."
        )


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd == round(usd, 2) else f"${usd:,.10g}"


# --- showing --------------------------------------------------------------------------------


def _tell(books: Books) -> None:
    console = terminal.output()
    if not books.features:
        console.print("There is no feature.")
        return
    shared = any(line.held_pico is not None for each in books.features for line in each.lines)
    right = ("ceiling", "spent", "share", *(("held",) if shared else ()))
    table = terminal.plain_table("feature", "whose", "period", *right, right=right)
    hidden = 0
    for each in books.features:
        own = [line for line in each.lines if line.kind == "feature"]
        others = [line for line in each.lines if line.kind != "feature"]
        hidden += max(0, len(others) - MOST_LINES)
        for line in [*own, *others[:MOST_LINES]]:
            table.add_row(*_cells(each.feature, line, shared=shared))
    console.print(table)
    console.print()
    for each in books.features:
        console.print(f"{terminal.escape(each.feature)}: {_outlook(each)}", soft_wrap=True)
    if hidden:
        console.print(f"[dim]{hidden:,} more keys and users: --json has them all.")
    if books.away:
        console.print(f"[yellow]![/] {terminal.escape(books.away)} What they hold is not shown.")


def _cells(feature: str, line: Line, *, shared: bool) -> list[str]:
    whose = "all of it" if line.kind == "feature" else f"{line.kind} {line.who}"
    ceiling = "[dim]none" if line.ceiling_pico is None else money(line.ceiling_pico)
    cells = [
        terminal.escape(feature),
        terminal.escape(whose),
        line.period,
        ceiling,
        money(line.spent_pico),
        _share(line),
    ]
    if shared:
        cells.append("[dim]–" if line.held_pico is None else money(line.held_pico))
    return cells


def _share(line: Line) -> str:
    if line.ceiling_pico is None:
        return "[dim]–"
    if not line.ceiling_pico:
        return "[red]no money"
    share = line.spent_pico / line.ceiling_pico
    colour = "red" if share >= 1 else "yellow" if share >= 0.8 else "default"
    return f"[{colour}]{share:.0%}[/]"


def _outlook(each: FeatureBudget) -> str:
    """Return what is foreseen, in a sentence or two."""
    if each.thrift.reason:
        said = f"[yellow]{terminal.escape(each.thrift.reason)}[/]"
    elif not each.forecast.spent and not each.forecast.expected:
        said = "nothing was spent this month."
    elif each.forecast.expected is None:
        said = "too little is known to say what the month will cost."
    else:
        days = each.forecast.days
        rests = "one day" if days == 1 else f"the last {days} days"
        said = f"{each.forecast.month} will cost about {money(each.forecast.expected)}, by {rests}."
    if each.unpriced:
        what = "attempt has" if each.unpriced == 1 else "attempts have"
        said += f" {each.unpriced:,} {what} no known cost: in truth it is more."
    return said


def _feature_value(each: FeatureBudget) -> dict[str, Any]:
    expected = each.forecast.expected
    return {
        "feature": each.feature,
        "budgets": [_line_value(line) for line in each.lines],
        "unpriced": each.unpriced,
        "forecast": {
            "month": each.forecast.month,
            "spent_usd": dollars(each.forecast.spent),
            "expected_usd": None if expected is None else dollars(expected),
            "days": each.forecast.days,
        },
        "makes_do_with_less": [kind.value for kind in Criticality if kind in each.thrift.classes],
        "reason": each.thrift.reason,
    }


def _line_value(line: Line) -> dict[str, Any]:
    held, ceiling = line.held_pico, line.ceiling_pico
    return {
        "kind": line.kind,
        "who": line.who,
        "period": line.period,
        "ceiling_usd": None if ceiling is None else dollars(ceiling),
        "spent_usd": dollars(line.spent_pico),
        "held_usd": None if held is None else dollars(held),
    }
