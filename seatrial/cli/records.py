"""`seatrial records`: what was asked and how it was answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.costs import reprice_records, show_costs
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.cli.since import read_since
from seatrial.errors import Misuse
from seatrial.values.attempts import Cause
from seatrial.values.chat import last_user_text
from seatrial.values.decisions import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.app import Seatrial
    from seatrial.values.records import Record

GAP: Final = 2  # columns between two cells
SHORT_ID: Final = 14  # the part of an id that is time, to the microsecond

app = typer.Typer(
    add_completion=False,
    help="Look up what was asked and how it was answered.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  seatrial records list --decision degraded --since 1h\n"
    "  seatrial records show 06bc1f",
)

Feature = Annotated[str, typer.Option(help="Only of this feature.")]
Decision = Annotated[
    str, typer.Option(help=f"Only with this decision: {', '.join(kind.value for kind in Kind)}.")
]
Since = Annotated[str, typer.Option(help="Only newer ones: 30s, 15m, 2h, 7d, or a date.")]
Target = Annotated[str, typer.Option(help="Only those this target answered.")]
CauseName = Annotated[
    str,
    typer.Option("--cause", help="Only with an attempt that failed so, as first_token_timeout."),
]
User = Annotated[str, typer.Option(help="Only of this user.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")]


@app.command("list", epilog="\b\nExample:\n  seatrial records list --decision refused --since 1h")
def list_records(
    feature: Feature = "",
    decision: Decision = "",
    since: Since = "",
    target: Target = "",
    cause: CauseName = "",
    user: User = "",
    limit: Limit = 20,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List records, newest first."""
    _check_word(decision, "decision", [kind.value for kind in Kind])
    _check_word(cause, "cause", [each.value for each in Cause])
    filters = {
        "feature": feature,
        "decision": decision,
        "since": read_since(since, now=time.time()) if since else None,
        "target": target,
        "cause": cause,
        "user": user,
        "limit": limit,
    }
    _tell(config, filters, as_json=as_json)


@app.command("search", epilog='\b\nExample:\n  seatrial records search "washing machine"')
def search_records(
    text: Annotated[str, typer.Argument(help="What a question or an answer holds.")],
    limit: Limit = 20,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Search the questions and the answers."""
    _tell(config, {"text": text, "limit": limit}, as_json=as_json)


@app.command("show", epilog="\b\nExample:\n  seatrial records show 06bc1f")
def show_record(
    id: Annotated[str, typer.Argument(help="The record's id; its beginning is enough.")],
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show one request as a timeline: every attempt, its cause, the decision."""
    from seatrial.app.lookup import read_record

    record = read_record(_open(config).store, id)
    if as_json:
        terminal.tell_json(record)
        return
    from seatrial.cli.timeline import draw

    console = terminal.output()
    console.print(draw(record, width=min(console.width, 120)))


app.command("cost", epilog="\b\nExample:\n  seatrial records cost --by feature --since 30d")(
    show_costs
)
app.command("reprice", epilog="\b\nExample:\n  seatrial records reprice --by target --since 7d")(
    reprice_records
)


def _check_word(word: str, name: str, known: list[str]) -> None:
    if word and word not in known:
        raise typer.BadParameter(f"{word!r} is no {name}. There are: {', '.join(known)}.")


def _open(config: Path) -> Seatrial:
    from seatrial.cli.opening import open_with_store

    return open_with_store(config)


def _tell(config: Path, filters: dict[str, Any], *, as_json: bool) -> None:
    from seatrial.app.lookup import find_records

    app = _open(config)
    if filters.get("feature") and filters["feature"] not in app.config.features:
        known = ", ".join(app.config.features)
        raise Misuse(f"There is no feature {filters['feature']!r}.", why=f"There are: {known}.")
    page = find_records(app.store, **filters)
    if as_json:
        terminal.tell_json({"records": page.records, "matching": page.matching})
        return
    console = terminal.output()
    if not page.records:
        console.print("No record matches." if any(filters.values()) else "There is no record yet.")
        return
    console.print(_table(page.records, console.width))
    shown, more = len(page.records), "more than " if page.matching >= 10_000 else ""
    console.print(
        f"\n[dim]{shown} of {more}{page.matching:,}, the newest first. "
        f"One in full: {terminal.program()} records show ID"
    )


def _table(records: tuple[Record, ...], width: int) -> Any:
    """Return the list; what is too long for `width` is the question."""
    with_feature = len({record.feature for record in records}) > 1
    names = ["time", *(["feature"] if with_feature else []), "decision", "by", "took", "id"]
    rows = [_cells(record, with_feature) for record in records]
    taken = sum(max(map(len, column)) + GAP for column in zip(names, *rows, strict=True))
    table = terminal.plain_table(*names, "question", right=("took",))
    for record, cells in zip(records, rows, strict=True):
        question = terminal.shorten(question_of(record), max(width - taken, 20))
        styled = [terminal.escape(cell) for cell in cells]
        place = names.index("decision")
        colour = terminal.COLOURS.get(record.decision, "default")
        styled[place] = f"[{colour}]{styled[place]}[/]"
        table.add_row(*styled, terminal.escape(question) or "[dim](empty)")
    return table


def _cells(record: Record, with_feature: bool) -> list[str]:
    today = time.strftime("%Y-%m-%d")
    return [
        terminal.moment(record.started_at).removeprefix(f"{today} "),
        *([record.feature] if with_feature else []),
        record.decision,
        record.target or record.code or "–",
        terminal.seconds(record.took_s),
        record.id[:SHORT_ID],
    ]


def question_of(record: Record) -> str:
    """Return what the caller asked last; empty when it was not kept."""
    messages = (record.input or {}).get("messages")
    return last_user_text(messages) if isinstance(messages, list) else ""
