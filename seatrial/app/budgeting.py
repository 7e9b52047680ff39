"""Budgets for people: what was spent of each, what the month will cost, and changing one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seatrial.app.wiring import LiveClock
from seatrial.config import attempt
from seatrial.config.editing import CannotEdit, set_value
from seatrial.config.toml import dotted
from seatrial.counters import LiveCounters, open_counters
from seatrial.counters.local_shares import LocalShares
from seatrial.errors import ConfigError, CountersUnavailable, Misuse, UnknownFeature
from seatrial.jobs.money import ceiling_of, foresee, read_spent
from seatrial.ports import Ask, Store
from seatrial.reliability.budgets import (
    BudgetSettings,
    Payer,
    Spent,
    account_of,
    bounds_of,
    ends_at,
    period_of,
    with_month,
)
from seatrial.reliability.forecast import Forecast, Thrift, thrift
from seatrial.values.ledger import CostQuery
from seatrial.values.prices import exactly, pico_of

if TYPE_CHECKING:
    from seatrial.config import Config

# The first call connects, for which their time of a round trip may be too short.
TRIES: Final = 4
PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """One account with its ceiling.

    Args:
        kind: `feature`, `key` or `user`.
        who: the feature, the key's id or the user.
        period: `day` or `month`, the running one, UTC.
        ceiling_pico: 1e-12 dollars; None where nothing is bounded.
        spent_pico: what the ledger has booked.
        held_pico: what the shared counters hold beyond that: reserved, or spent and not known.
            None where no counters are shared, or they are away.
    """

    kind: str
    who: str
    period: str
    ceiling_pico: int | None
    spent_pico: int
    held_pico: int | None = None


@dataclass(frozen=True, slots=True)
class FeatureBudget:
    """The money of one feature.

    Args:
        feature: its name.
        lines: its own accounts first, then keys and users, those nearest to their ceiling first.
        unpriced: attempts of this month whose cost nobody knows.
        forecast: of its month.
        thrift: who makes do with less, by that forecast.
    """

    feature: str
    lines: tuple[Line, ...]
    unpriced: int
    forecast: Forecast
    thrift: Thrift


@dataclass(frozen=True, slots=True)
class Books:
    """All budgets.

    Args:
        features: by name.
        away: why the shared counters could not be asked; empty when they were, or are not shared.
    """

    features: tuple[FeatureBudget, ...]
    away: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the file, as it was and as it is.

    Args:
        name: such as `usd_month`.
        old: in dollars, as it was in force; None when nothing was bounded.
        new: in dollars.
        note: why another value is in force all the same; empty when none is.
    """

    name: str
    old: float | None
    new: float
    note: str = ""


async def read_budgets(store: Store, config: Config, *, at: float, feature: str = "") -> Books:
    """Return what was spent of every budget, and what is foreseen.

    Args:
        store: where the ledger is.
        config: has the budgets, and the address of shared counters.
        at: now, wall clock, seconds.
        feature: only this one; all when empty.

    Raises:
        UnknownFeature: there is no such feature.
        StoreUnavailable: the ledger cannot be read.
    """
    if feature:
        _must_have(config, feature)
    wanted = [name for name in config.features if feature in {"", name}]
    budgets = {name: _in_force(config, name) for name in config.features}
    spent = read_spent(store.ledger, budgets, at)
    unpriced = _unpriced(store, at)
    lines = {name: list(_lines(name, budgets[name], spent, at)) for name in wanted}
    every = [(name, line) for name in wanted for line in lines[name]]
    held, away = await _held(config, every, at)
    found = []
    for name in wanted:
        told = [_with_held(line, held.get(_account(name, line, at))) for line in lines[name]]
        foreseen = foresee(name, spent, at=at)
        ceiling = ceiling_of(budgets[name])
        saved = thrift(foreseen, ceiling)
        found.append(FeatureBudget(name, tuple(told), unpriced.get(name, 0), foreseen, saved))
    return Books(tuple(found), away)


def set_budget(path: Path, feature: str, values: Mapping[str, float]) -> tuple[Change, ...]:
    """Change a feature's budgets in the file; everything else in it stays as it is.

    The whole configuration is checked before the file is replaced, in one step.

    Args:
        path: of the configuration.
        feature: its name.
        values: dollars, by name of the setting.

    Raises:
        ConfigError: the configuration has problems, or would have; nothing was changed.
        UnknownFeature: there is no such feature.
        Misuse: the file cannot be written, or has a layout that is left to people.
    """
    file = path.resolve()  # a link stays one
    config = _checked(file, path)
    _must_have(config, feature)
    before = file.read_bytes()
    text = before.decode("utf-8")
    required = config.features[feature].requirements.cost_usd_month
    in_force = _in_force(config, feature)
    changes = []
    for name, usd in values.items():
        place = ("features", feature, "budgets", name)
        try:
            text = set_value(text, place, _figure(usd))
        except CannotEdit as error:
            raise Misuse(
                f"{path} has a layout that this command does not understand.",
                why=f"It would have set {dotted(place)}.",
                fix=f"Write {name} = {_figure(usd)} below [{dotted(place[:-1])}] yourself.",
            ) from error
        note = ""
        if name == "usd_month" and required is not None and required < usd:
            note = f"requirements.cost_usd_month is {_figure(required)}, and that holds."
        changes.append(Change(name, getattr(in_force, name), usd, note))
    after = text.encode()
    if after != before:
        _replace(file, path, before, after)
    return tuple(changes)


def _must_have(config: Config, feature: str) -> None:
    if feature not in config.features:
        known = ", ".join(config.features) or "none"
        raise UnknownFeature(f"There is no feature {feature!r}.", why=f"There are: {known}.")


def _in_force(config: Config, feature: str) -> BudgetSettings:
    settings = config.features[feature]
    return with_month(settings.budgets, settings.requirements.cost_usd_month)


# --- showing --------------------------------------------------------------------------------


def _lines(
    feature: str, settings: BudgetSettings, spent: Iterable[Spent], at: float
) -> Iterator[Line]:
    """Yield the feature's own accounts, then those of its keys and users."""
    own = [each for each in spent if each.payer.feature == feature]
    bounds = bounds_of(settings)
    for kind in ("feature", "key", "user"):
        found = []
        for name, period, ceiling in bounds:
            if name != kind or (ceiling is None and (kind, period) != ("feature", "month")):
                continue
            most = None if ceiling is None else pico_of(exactly(ceiling))
            sums = {feature: 0} if kind == "feature" else {}
            for each in own:
                who = each.payer.who(kind)
                if who and each.day.startswith(period_of(period, at)):
                    sums[who] = sums.get(who, 0) + each.pico
            found += [Line(kind, who, period, most, pico) for who, pico in sums.items()]
        yield from sorted(found, key=_nearest_first) if kind != "feature" else found


def _nearest_first(line: Line) -> tuple[float, str]:
    return -line.spent_pico / (line.ceiling_pico or 1), line.who


def _account(feature: str, line: Line, at: float) -> str:
    key, user = (line.who if line.kind == kind else "" for kind in ("key", "user"))
    return account_of(line.kind, line.period, Payer(feature, key, user), at=at)


def _unpriced(store: Store, at: float) -> dict[str, int]:
    month = period_of("month", at)
    rows = store.ledger.costs(CostQuery(by=("feature",), since=f"{month}-01"))
    return {row.names[0]: row.unpriced for row in rows}


async def _held(
    config: Config, lines: Sequence[tuple[str, Line]], at: float
) -> tuple[dict[str, int], str]:
    """Return what the shared counters hold, by account; and why not, when they are away."""
    asks = [
        Ask(_account(name, line, at), 0, line.ceiling_pico, ends_at=ends_at(line.period, at))
        for name, line in lines
        if line.ceiling_pico is not None
    ]
    if not config.counters.reveal() or not asks:
        return {}, ""
    counters = open_counters(config.counters.reveal(), LiveClock())
    try:
        for turn in range(TRIES):
            if turn:
                await asyncio.sleep(PAUSE_S)
            levels = await _levels(counters, asks)
            if levels is not None:
                return {ask.account: level for ask, level in zip(asks, levels, strict=True)}, ""
    finally:
        await counters.close()
    return {}, "The shared counters did not answer."


async def _levels(counters: LiveCounters, asks: Sequence[Ask]) -> list[int] | None:
    """Return what accounts hold; None when that cannot be asked now."""
    shares = counters if isinstance(counters, LocalShares) else None
    if shares is not None:
        shares.away = False  # as it was at the last try
    try:
        levels = await counters.used(asks)
    except CountersUnavailable:
        return None
    # While they are away, it tells its own share.
    return None if shares is not None and shares.away else levels


def _with_held(line: Line, held: int | None) -> Line:
    if held is None:
        return line
    beyond = max(0, held - line.spent_pico)
    return Line(line.kind, line.who, line.period, line.ceiling_pico, line.spent_pico, beyond)


# --- changing -------------------------------------------------------------------------------


def _figure(usd: float) -> str:
    return f"{exactly(usd).normalize():f}"


def _checked(file: Path, told: Path) -> Config:
    """Return the configuration in a file, told about under another name."""
    loaded = attempt(file, with_keys=False)
    if loaded.config is None:
        problems = loaded.error.problems if loaded.error else ()
        raise ConfigError(str(told), problems)
    return loaded.config


def _replace(file: Path, told: Path, before: bytes, after: bytes) -> None:
    """Put a new content in the place of a file, once it is known to be good."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        mode = file.stat().st_mode & 0o7777
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(handle, "wb") as opened:
            opened.write(after)
            opened.flush()
            os.fsync(opened.fileno())
        draft.chmod(mode)  # whatever the process's mask is
        _checked(draft, told)
        if file.read_bytes() != before:
            raise Misuse(f"{told} was changed meanwhile.", fix="Look at it, and try again.")
        draft.replace(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Misuse(f"{told} cannot be written.", why=f"{reason}.") from error
    finally:
        draft.unlink(missing_ok=True)
