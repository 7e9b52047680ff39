"""The figures as one table for people, and as JSON for machines."""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from bench import contenders
from bench.figures import AIMS, Figure, Measured, Row, spread, summary

NOISY: Final = 0.03  # of the gateway's core gone to other programs
LOAD_BOUND: Final = 0.9  # below this share of its core the gateway was not what limited throughput

# Key of the summary, what people read, digits after the point.
ROWS: Final = (
    ("cpu_us", "CPU µs per request", 1),
    ("cpu_vs_nginx", "  × nginx", 2),
    ("cpu_vs_bare", "  × bare proxy", 2),
    ("cpu_vs_unchecked", "  × no checks", 2),
    ("requests_s", "requests/s, 32 connections", 0),
    ("busy_share", "  share of its core used", 2),
    ("p50_ms", "p50 ms at 100/s", 2),
    ("p99_ms", "p99 ms at 100/s", 2),
    ("added_p50_ms", "  p50 added to direct", 2),
    ("added_p99_ms", "  p99 added to direct", 2),
    ("event_us", "CPU µs per stream event", 1),
    ("event_vs_nginx", "  × nginx", 2),
    ("event_vs_bare", "  × bare proxy", 2),
    ("first_ms", "ms to first token", 2),
    ("added_first_ms", "  added to direct", 2),
    ("first_vs_nginx", "  × nginx", 2),
    ("start_s", "s from start to first answer", 2),
    ("resident_mb", "MB resident", 0),
    ("proportional_mb", "MB proportional", 0),
    ("ask_us", "CPU µs per app.ask in process", 1),
    ("errors", "errors", 0),
)


def table(measured: Measured) -> str:
    """All figures as text: one column per contender, then the aims, then who is missing."""
    rows = summary(measured)
    names = [name for name in contenders.ALL if measured.rounds.get(name)]
    shown = [["", *names]]
    for key, label, digits in ROWS:
        if rows[key].keys() & set(names):
            shown.append([label, *(_cell(rows[key].get(name), digits) for name in names)])
    lines = _aligned(shown)
    lines += [
        "",
        "Middle of the rounds (least..greatest round). × bare proxy refers to "
        + measured.bare
        + ".",
    ]
    lines += _load_bound(rows["busy_share"])
    others = measured.others_share
    if others is not None and others > NOISY:
        lines.append(
            f"OTHER PROGRAMS used {others:.0%} of the gateway's core: trust no percentile."
        )
    lines += ["", *_aligned(_aims(rows))]
    if measured.checks_us:
        lines += ["", *_aligned(_checks(measured, rows["cpu_us"].get(contenders.SEATRIAL)))]
    lines += ["", *(f"left out: {name}: {why}" for name, why in measured.notes.items())]
    return "\n".join(lines).rstrip()


def as_json(measured: Measured) -> dict[str, Any]:
    """The machine, the summary, the aims and every raw figure."""
    rows = summary(measured)
    return {
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "summary": {
            key: {name: asdict(figure) for name, figure in row.items()} for key, row in rows.items()
        },
        "aims": [
            {**asdict(aim), "mark": aim.mark(rows[aim.key].get(contenders.SEATRIAL))}
            for aim in AIMS
        ],
        "raw": asdict(measured),
    }


def missed(measured: Measured) -> int:
    """How many aims were measured and missed."""
    rows = summary(measured)
    return sum(aim.mark(rows[aim.key].get(contenders.SEATRIAL)).startswith("MISS") for aim in AIMS)


def _cell(figure: Figure | None, digits: int) -> str:
    if figure is None:
        return "-"
    if figure.low == figure.high:
        return f"{figure.value:,.{digits}f}"
    return f"{figure.value:,.{digits}f} ({figure.low:,.{digits}f}..{figure.high:,.{digits}f})"


def _aims(rows: dict[str, Row]) -> Iterable[list[str]]:
    yield ["aim for seatrial with records", "limit", "measured", ""]
    for aim in AIMS:
        figure = rows[aim.key].get(contenders.SEATRIAL)
        yield [aim.text, f"≤ {aim.limit:g} {aim.unit}", _cell(figure, 2), aim.mark(figure)]


def _checks(measured: Measured, whole: Figure | None) -> Iterable[list[str]]:
    """What each check costs, and its share of a request; a letter's share is not measured."""
    yield ["checks on by default", "µs", "of a request"]
    for name, seen in measured.checks_us.items():
        figure = spread(seen)
        share = figure.value / whole.value if figure and whole and "(" not in name else None
        yield [name, _cell(figure, 1), "-" if share is None else f"{share:.1%}"]


def _load_bound(busy: Row) -> list[str]:
    idle = [name for name, figure in busy.items() if figure.value < LOAD_BOUND]
    if not idle:
        return []
    names = ", ".join(idle)
    return [f"Had or used less than its whole core, so that throughput says little: {names}."]


def _aligned(rows: Iterable[list[str]]) -> list[str]:
    known = list(rows)
    widths = [max(map(len, column)) for column in zip(*known, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in known
    ]
