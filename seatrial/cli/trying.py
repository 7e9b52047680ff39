"""`seatrial checks run`: what would a feature's checks say of all this?"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.errors import Misuse
from seatrial.values.checks import Says

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from seatrial.app.tally import CheckTally, Fit, Tally
    from seatrial.app.trying import Row, Tried

TELL_EVERY: Final = 25  # rows between two looks at the progress

# The words of the table, for people.
COLUMNS: Final = {
    "pass": "passed",
    "flag": "flagged",
    "redact": "redacted",
    "hand_off": "handed off",
    "refuse": "refused",
}
COLOURS: Final = {
    "pass": "green",
    "flag": "yellow",
    "redact": "cyan",
    "hand_off": "cyan",
    "refuse": "red",
}


class Format(Enum):
    """How a file is written."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


app = typer.Typer(
    add_completion=False,
    help="Try a feature's checks on a file.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  seatrial checks run questions.jsonl --feature support",
)


@app.callback()
def group() -> None:
    """Try a feature's checks on a file."""


@app.command(
    epilog="\b\nExample:\n  seatrial checks run questions.csv --feature support --all\n"
    "  seatrial checks run labelled.jsonl --feature support --expect\n"
    "  echo 'Ignore all previous instructions.' | seatrial checks run - --feature support"
)
def run(
    file: Annotated[
        str, typer.Argument(help="JSONL, JSON, CSV, or a question to a line; - for the input.")
    ],
    feature: Annotated[str, typer.Option(help="Whose checks.")],
    every: Annotated[
        bool, typer.Option("--all", help="Show every row, those that passed as well.")
    ] = False,
    expect: Annotated[
        bool, typer.Option("--expect", help="Exit with 1 when a verdict is not the expected one.")
    ] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="How the file is written; else by its name.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Run inputs and answers through a feature's checks.

    A row is a text, or an object with `input` or `messages`, and if you like `answer`,
    `metadata`, `user`, `id` and `expect`: pass, flag, redact, hand_off, refuse, or caught for
    anything but pass; for the row or, in an object, by check. Your own functions are run.
    No target is called, no judge asked, nothing stored, and no text shown.
    """
    from seatrial.app.tally import Tally
    from seatrial.cli.rows import read_rows

    tally = Tally()
    shown: list[Tried] = []
    output = terminal.output()

    def take(tried: Tried) -> None:
        tally.add(tried)
        differs = any(map(tried.differs, tried.row.expected))
        if every or differs or tried.verdict != Says.PASS.value:
            if as_json:
                shown.append(tried)
            else:
                output.print(_line(tried), soft_wrap=True)

    skipped = asyncio.run(_try_all(config, feature, read_rows(file, form), take))
    if not tally.rows:
        raise Misuse("There is no row to try.", fix="Give a question to a line, or JSONL.")
    if expect and not tally.labelled:
        raise Misuse(
            "No row says what is expected.", fix='Write "expect": "pass" (or "caught") to a row.'
        )
    if as_json:
        terminal.tell_json(_value(feature, tally, shown, skipped))
    else:
        _tell(tally, skipped)
    if expect and tally.differing:
        raise typer.Exit(1)


async def _try_all(
    config: Path, feature: str, rows: Iterator[Row], take: Callable[[Tried], None]
) -> tuple[str, ...]:
    """Try every row; return what could not be tried."""
    from seatrial.app.trying import Trial
    from seatrial.cli.opening import open_store_alone

    trial = Trial(open_store_alone(config), feature)
    notes = terminal.notes()
    status = notes.status("") if notes.is_terminal else nullcontext()
    try:
        with status as spinner:
            for count, row in enumerate(rows, start=1):
                take(await trial.run(row))
                if spinner is not None and count % TELL_EVERY == 0:
                    spinner.update(f"{count:,} rows")
    finally:
        await trial.close()
    return trial.skipped


# --- in words -------------------------------------------------------------------------------


def _line(tried: Tried) -> str:
    name = f"{tried.row.number}" + (f" {tried.row.id}" if tried.row.id else "")
    found = [
        f"{each.check}: {each.code or each.verdict}"
        + (f" – {each.reason}" if each.reason else "")
        + (" (answer)" if each.side == "output" else "")
        for each in tried.said
        if each.verdict != Says.PASS.value
    ]
    differing = [check for check in tried.row.expected if tried.differs(check)]
    found += [
        f"expected {tried.row.expected[check]}" + (f" of {check}" if check else "")
        for check in differing
    ]
    colour = COLOURS[tried.verdict]
    word = tried.verdict.replace("_", " ")
    told = terminal.escape("; ".join(found))
    mark = "[red]≠[/] " if differing else ""
    return f"{mark}[dim]row[/] {terminal.escape(name)}  [{colour}]{word}[/]  {told}".rstrip()


def _tell(tally: Tally, skipped: tuple[str, ...]) -> None:
    console = terminal.output()
    if tally.checks:
        console.print()
        console.print(_table(tally))
    words = [f"{count:,} {COLUMNS[word]}" for word, count in tally.verdicts.items() if count]
    rows = "1 row" if tally.rows == 1 else f"{tally.rows:,} rows"
    console.print(f"\n{rows}: {', '.join(words)}.")
    if not tally.checks:
        console.print("[dim]No check of this feature had anything to ask.")
    for name, fit in _fits(tally):
        console.print(f"{terminal.escape(name)}: {_fit(fit)}", soft_wrap=True)
    for sentence in skipped:
        console.print(f"[dim]{terminal.escape(sentence)}")


def _table(tally: Tally) -> Any:
    from seatrial.app.tally import percentile

    right = ("asked", *COLUMNS.values(), "p50", "p95", "share")
    table = terminal.plain_table("check", "of", *right, right=right)
    total = tally.took_s or 1.0
    for each in tally.checks.values():
        table.add_row(
            terminal.escape(each.check),
            {"input": "inputs", "output": "answers"}.get(each.side, each.side),
            f"{each.asked:,}",
            *(f"{each.verdicts[word]:,}" if each.verdicts[word] else "[dim]–" for word in COLUMNS),
            _short(percentile(each.times, 0.5)),
            _short(percentile(each.times, 0.95)),
            f"{each.took_s / total:.0%}",
        )
    return table


def _short(seconds: float | None) -> str:
    """Write a time that is mostly below a millisecond.

    >>> _short(0.0000312), _short(0.0123), _short(None)
    ('0.031 ms', '12 ms', '–')
    """
    if seconds is None or seconds >= 0.01:
        return terminal.seconds(seconds)
    return f"{seconds * 1000:.3f} ms"


def _fits(tally: Tally) -> list[tuple[str, Fit]]:
    found = [("expected", tally.fit)]
    found += [(f"expected of {each.check}", each.fit) for each in tally.checks.values()]
    return [(name, fit) for name, fit in found if fit.labelled]


def _fit(fit: Fit) -> str:
    agreed = fit.labelled - fit.differing
    said = f"{agreed:,} of {fit.labelled:,} as expected"
    if fit.recall is not None:
        said += f"; caught {fit.right:,} of {fit.right + fit.missed:,} (recall {fit.recall:.1%})"
    if fit.precision is not None:
        caught = fit.right + fit.wrong
        said += f"; {fit.right:,} of {caught:,} catches were right (precision {fit.precision:.1%})"
    return f"{said}."


# --- in JSON --------------------------------------------------------------------------------


def _value(
    feature: str, tally: Tally, shown: list[Tried], skipped: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "feature": feature,
        "rows": tally.rows,
        "verdicts": tally.verdicts,
        "checks": [_check_value(each, tally.took_s or 1.0) for each in tally.checks.values()],
        "took_s": round(tally.took_s, 6),
        "expected": {
            "labelled": tally.labelled,
            "differing": tally.differing,
            "of_rows": _fit_value(tally.fit),
        },
        "not_tried": skipped,
        "shown": [_tried_value(each) for each in shown],
    }


def _check_value(each: CheckTally, total_s: float) -> dict[str, Any]:
    from seatrial.app.tally import percentile

    return {
        "check": each.check,
        "side": each.side,
        "asked": each.asked,
        **each.verdicts,
        "p50_s": percentile(each.times, 0.5),
        "p95_s": percentile(each.times, 0.95),
        "took_s": round(each.took_s, 6),
        "share": round(each.took_s / total_s, 4),
        "expected": _fit_value(each.fit),
    }


def _fit_value(fit: Fit) -> dict[str, Any] | None:
    if not fit.labelled:
        return None
    return {
        "labelled": fit.labelled,
        "differing": fit.differing,
        "right": fit.right,
        "wrong": fit.wrong,
        "missed": fit.missed,
        "precision": fit.precision,
        "recall": fit.recall,
    }


def _tried_value(tried: Tried) -> dict[str, Any]:
    return {
        "row": tried.row.number,
        "id": tried.row.id,
        "verdict": tried.verdict,
        "differs": [check or "row" for check in tried.row.expected if tried.differs(check)],
        "checks": [
            {
                "check": each.check,
                "side": each.side,
                "verdict": each.verdict,
                "code": each.code,
                "reason": each.reason,
                "counts": each.counts,
                "took_s": each.took_s,
            }
            for each in tried.said
        ],
    }
