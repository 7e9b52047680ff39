"""What was spent, from the ledger; and what it would have been with the prices of now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from seatrial.config import Config
from seatrial.config.prices import cards_of
from seatrial.errors import Misuse
from seatrial.ports import RecordQuery, Store
from seatrial.providers.usage import usage_again
from seatrial.reliability.costs import cost
from seatrial.values.chat import Usage
from seatrial.values.ledger import Booked, CostQuery
from seatrial.values.prices import PriceCard, pico_of
from seatrial.values.records import AttemptRecord, Record

PAGE: Final = 500
BY: Final = ("day", "feature", "key", "user", "target", "purpose", "release")


@dataclass(frozen=True, slots=True)
class Repriced:
    """What some attempts cost, as it was booked and as it would be now.

    Args:
        names: by the dimensions asked for, in their order.
        attempts: that were sent.
        booked_pico, booked_unknown: 1e-12 dollars as booked; attempts without a known cost then.
        now_pico, now_unknown: the same by the prices of now.
    """

    names: tuple[str, ...]
    attempts: int = 0
    booked_pico: int = 0
    booked_unknown: int = 0
    now_pico: int = 0
    now_unknown: int = 0


def read_costs(
    store: Store, *, by: Sequence[str], since: float, until: float | None = None, **filters: str
) -> list[Booked]:
    """Return what was booked, dearest first.

    Args:
        store: where the ledger is.
        by: any of `BY`.
        since: wall clock, seconds; the whole day (UTC) is meant.
        until: the same; that day is included, and None is for an open end.
        filters: as in `CostQuery`.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    query = CostQuery(
        by=tuple(by),
        since=day_of(since),
        # The day after: its name sorts behind every row of the last day.
        until="" if until is None else day_of(until + 86_400),
        **filters,
    )
    rows = store.ledger.costs(query)
    if "day" in by:
        return rows
    return sorted(rows, key=lambda row: (-row.cost_pico, row.names))


def reprice(
    store: Store,
    config: Config,
    *,
    by: Sequence[str],
    since: float,
    source: Path | None = None,
    **filters: str,
) -> list[Repriced]:
    """Return what the records that are still kept would cost now; nothing is changed by it.

    Args:
        store: where the records are.
        config: says what the targets cost.
        by: any of `BY`.
        since: wall clock, seconds.
        source: another price list; the one that is shipped when None.
        filters: as in `RecordQuery`.

    Raises:
        Misuse: the source is no price list.
        StoreUnavailable: the store cannot be read.
    """
    cards = _cards(config, source)
    dialects = {name: each.provider for name, each in config.targets.items()}
    rows: dict[tuple[str, ...], Repriced] = {}
    for record in _records(store, since, filters):
        for attempt in record.attempts:
            if attempt.sent:
                names = tuple(_NAMES[each](record, attempt) for each in by)
                now = _cost_now(record, attempt, cards, dialects)
                rows[names] = _plus(rows.get(names, Repriced(names)), attempt, now)
    return [rows[names] for names in sorted(rows)]


def day_of(at: float) -> str:
    """Return the day of a wall-clock time, UTC.

    >>> day_of(0.0)
    '1970-01-01'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def month_begins(at: float) -> float:
    """Return when the month of a wall-clock time began, UTC."""
    now = datetime.fromtimestamp(at, UTC)
    return datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()


_NAMES: Final[Mapping[str, Callable[[Record, AttemptRecord], str]]] = {
    "day": lambda record, _: day_of(record.started_at),
    "feature": lambda record, _: record.feature,
    "key": lambda record, _: record.key_id,
    "user": lambda record, _: record.user,
    "target": lambda _, attempt: attempt.target,
    "purpose": lambda _, attempt: attempt.purpose,
    "release": lambda record, _: record.release,
}


def _cards(config: Config, source: Path | None) -> Mapping[str, PriceCard]:
    if source is None:
        return config.cards
    try:
        return cards_of(config.targets, config.prices, source=source)
    except (OSError, ValueError) as error:
        raise Misuse(
            f"{source} cannot be used as a price list.",
            why=str(error),
            fix="Name a list.jsonl as `make prices` writes it.",
        ) from error


def _records(store: Store, since: float, filters: Mapping[str, Any]) -> Iterator[Record]:
    query = RecordQuery(since=since, limit=PAGE, **filters)
    while page := store.records.find(query):
        yield from page
        query = msgspec.structs.replace(query, before=page[-1].id)


def _cost_now(
    record: Record,
    attempt: AttemptRecord,
    cards: Mapping[str, PriceCard],
    dialects: Mapping[str, str],
) -> int | None:
    """Return what an attempt would cost now, from the provider's own report where it is kept."""
    if attempt.usage is None:
        # Nothing tells more than what was booked.
        return None if attempt.cost_usd is None else pico_of(attempt.cost_usd)
    stored = msgspec.convert(attempt.usage, Usage)
    usage = usage_again(dialects.get(attempt.target, ""), stored)
    at = record.started_at + attempt.started_s
    return cost(usage, cards.get(attempt.target), at=at).pico


def _plus(row: Repriced, attempt: AttemptRecord, now: int | None) -> Repriced:
    booked = attempt.cost_usd
    return Repriced(
        row.names,
        row.attempts + 1,
        row.booked_pico + (0 if booked is None else pico_of(booked)),
        row.booked_unknown + (booked is None),
        row.now_pico + (now or 0),
        row.now_unknown + (now is None),
    )
