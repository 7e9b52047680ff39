"""From raw measurements to figures: medians with their spread, ratios within a round, aims.

Plain arithmetic without clocks or processes.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bench.contenders import DIRECT, NGINX, NO_CHECKS, SEATRIAL
from bench.load import Busy, Paced, Streamed


@dataclass(frozen=True, slots=True)
class Round:
    """What one contender did in one round."""

    busy: Busy
    paced: Paced
    streamed: Streamed

    @property
    def errors(self) -> int:
        """Requests of this round that got no whole and right answer."""
        return self.busy.errors + self.paced.errors + self.streamed.errors


@dataclass(slots=True)
class Measured:
    """Everything that one run measured, by contender."""

    events: int  # of one stream
    bare: str  # the bare proxy that ratios refer to
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    starts_s: dict[str, list[float]] = field(default_factory=dict)
    resident_mb: dict[str, list[float]] = field(default_factory=dict)
    proportional_mb: dict[str, list[float]] = field(default_factory=dict)
    ask_us: list[float] = field(default_factory=list)
    checks_us: dict[str, list[float]] = field(default_factory=dict)  # by check, as in bench.shares
    others_share: float | None = None  # of the gateway's core, used by programs outside this run
    notes: dict[str, str] = field(default_factory=dict)  # who is missing or failed, and why


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with the least and the greatest that a round gave."""

    value: float
    low: float
    high: float


Row = dict[str, Figure]
Seen = Callable[[Round], Sequence[float]]  # times in seconds


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit that Seatrial is to stay under; `key` names the row of the summary."""

    key: str
    limit: float
    unit: str
    text: str

    def mark(self, figure: Figure | None) -> str:
        """`pass`, `MISS` or `not measured`; with a `?` where the spread crosses the limit."""
        if figure is None:
            return "not measured"
        verdict = "pass" if figure.value <= self.limit else "MISS"
        return f"{verdict} ?" if figure.low <= self.limit < figure.high else verdict


AIMS: Final = (
    Aim("cpu_vs_bare", 2.0, "×", "CPU per request, against the bare proxy"),
    Aim("event_vs_bare", 1.3, "×", "CPU per stream event, against the bare proxy"),
    Aim("cpu_vs_nginx", 10.0, "×", "CPU per request, against nginx"),
    Aim("added_p99_ms", 3.0, "ms", "added p99 at the paced rate, over direct"),
    Aim("ask_us", 120.0, "µs", "app.ask in process, CPU per call, 32 at a time"),
    Aim("cpu_vs_unchecked", 1.25, "×", "CPU per request, against no checks"),
    Aim("start_s", 1.5, "s", "start of serve to its first answer"),
    Aim("resident_mb", 80.0, "MB", "memory, resident, after the load"),
    Aim("event_vs_nginx", 3.0, "×", "CPU per stream event, against nginx (wish)"),
    Aim("first_vs_nginx", 5.0, "×", "added time to first token, against nginx (wish)"),
)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the others lie, between neighbours by proportion.

    >>> percentile([4.0, 1.0, 3.0, 2.0, 5.0], 0.5)
    3.0
    """
    if not values:
        return math.inf  # nothing came back: as slow as can be
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Iterable[float]) -> Figure | None:
    """Median, least and greatest; None when there is no value."""
    known = list(values)
    return Figure(median(known), min(known), max(known)) if known else None


def summary(measured: Measured) -> dict[str, Row]:
    """All figures by row and contender; what was not measured is left out."""
    events = measured.events
    rows = {
        "cpu_us": _each(measured, lambda r: r.busy.cpu_ns / max(r.busy.requests, 1) / 1e3),
        "requests_s": _each(measured, lambda r: r.busy.requests / r.busy.seconds),
        "busy_share": _each(measured, lambda r: r.busy.cpu_ns / r.busy.seconds / 1e9),
        "event_us": _each(
            measured, lambda r: r.streamed.cpu_ns / (r.streamed.streams * events) / 1e3
        ),
        "p50_ms": _percentiles(measured, _latencies, 0.5),
        "p99_ms": _percentiles(measured, _latencies, 0.99),
        "added_p50_ms": _added(measured, _latencies, 0.5),
        "added_p99_ms": _added(measured, _latencies, 0.99),
        "first_ms": _percentiles(measured, _firsts, 0.5),
        "added_first_ms": _added(measured, _firsts, 0.5),
        "start_s": _spreads(measured.starts_s),
        "resident_mb": _spreads(measured.resident_mb, last=True),
        "proportional_mb": _spreads(measured.proportional_mb, last=True),
        "errors": {
            name: Figure(total, total, total)
            for name, rounds in measured.rounds.items()
            if rounds
            for total in [float(sum(r.errors for r in rounds))]
        },
    }
    for key in ("cpu_us", "busy_share", "event_us"):
        rows[key].pop(DIRECT, None)  # there is no process in between
    for base, suffix in ((NGINX, "nginx"), (measured.bare, "bare")):
        rows[f"cpu_vs_{suffix}"] = _against(
            measured, base, lambda r: r.busy.cpu_ns / r.busy.requests
        )
        rows[f"event_vs_{suffix}"] = _against(measured, base, lambda r: float(r.streamed.cpu_ns))
    unchecked = _against(measured, NO_CHECKS, lambda r: r.busy.cpu_ns / r.busy.requests)
    rows["cpu_vs_unchecked"] = {
        name: figure for name, figure in unchecked.items() if name == SEATRIAL
    }
    rows["first_vs_nginx"] = _quotients(rows["added_first_ms"], NGINX)
    asked = spread(measured.ask_us)
    rows["ask_us"] = {SEATRIAL: asked} if asked else {}
    return rows


def _latencies(one: Round) -> Sequence[float]:
    return one.paced.latencies


def _firsts(one: Round) -> Sequence[float]:
    return one.streamed.first_tokens


def _each(measured: Measured, of: Callable[[Round], float]) -> Row:
    figures = {name: spread(map(of, rounds)) for name, rounds in measured.rounds.items()}
    return {name: figure for name, figure in figures.items() if figure}


def _spreads(values: Mapping[str, Sequence[float]], *, last: bool = False) -> Row:
    figures = {name: spread(seen) for name, seen in values.items()}
    return {
        name: Figure(values[name][-1], figure.low, figure.high) if last else figure
        for name, figure in figures.items()
        if figure
    }


def _percentiles(measured: Measured, of: Seen, share: float) -> Row:
    return _each(measured, lambda one: _milliseconds(one, of, share))


def _added(measured: Measured, of: Seen, share: float) -> Row:
    """What each adds to the direct way, round by round."""
    row: Row = {}
    for name, rounds in measured.rounds.items():
        pairs = zip(rounds, measured.rounds.get(DIRECT, []), strict=False)
        figure = spread(
            _milliseconds(mine, of, share) - _milliseconds(plain, of, share)
            for mine, plain in pairs
        )
        if figure and name != DIRECT:
            row[name] = figure
    return row


def _milliseconds(one: Round, of: Seen, share: float) -> float:
    return percentile(of(one), share) * 1e3


def _against(measured: Measured, base: str, of: Callable[[Round], float]) -> Row:
    """Ratios to `base`, taken within each round, so that a machine that slows down cancels out."""
    row: Row = {}
    for name, rounds in measured.rounds.items():
        pairs = zip(rounds, measured.rounds.get(base, []), strict=False)
        figure = spread(of(mine) / of(other) for mine, other in pairs if of(other))
        if figure and name not in (base, DIRECT):
            row[name] = figure
    return row


def _quotients(row: Row, base: str) -> Row:
    if base not in row or row[base].value <= 0:
        return {}
    under = row[base].value
    return {
        name: Figure(figure.value / under, figure.low / under, figure.high / under)
        for name, figure in row.items()
        if name != base
    }
