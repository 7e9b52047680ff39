"""`seatrial records cost` and `records reprice`: what was spent, and by whom."""

from __future__ import annotations

import time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.cli.since import read_since
from seatrial.values.prices import READ, WRITTEN, dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.app.spending import Repriced
    from seatrial.values.ledger import Booked

CENT: Final = Decimal("0.01")
FINEST: Final = Decimal("0.000001")


class By(Enum):
    """What costs are told by."""

    FEATURE = "feature"
    USER = "user"
    KEY = "key"
    TARGET = "target"
    DAY = "day"
    PURPOSE = "purpose"
    RELEASE = "release"


Dimensions = Annotated[
    list[By], typer.Option("--by", help="What to tell it by; more than one may be given.")
]
Feature = Annotated[str, typer.Option(help="Only of this feature.")]
User = Annotated[str, typer.Option(help="Only of this user.")]
Key = Annotated[str, typer.Option(help="Only of this API key, by its id.")]
Since = Annotated[
    str, typer.Option(help="From this day (UTC) on: 7d, 4w or a date.  Else: of this month.")
]


def show_costs(
    by: Dimensions = [By.FEATURE],  # noqa: B006 - typer copies it
    since: Since = "",
    until: Annotated[str, typer.Option(help="Up to this day (UTC), included.")] = "",
    feature: Feature = "",
    user: User = "",
    key: Key = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show what was spent.

    The ledger tells it, which outlives the records: retention deletes nothing of it.
    """
    from seatrial.app.spending import day_of, month_begins, read_costs
    from seatrial.cli.opening import open_with_store

    now = time.time()
    begins = read_since(since, now=now) if since else month_begins(now)
    ends = read_since(until, now=now) if until else None
    names = [each.value for each in by]
    rows = read_costs(
        open_with_store(config).store,
        by=names,
        since=begins,
        until=ends,
        feature=feature,
        user=user,
        key_id=key,
    )
    if as_json:
        found = [_row_value(names, row) for row in rows]
        terminal.tell_json({"since": day_of(begins), "by": names, "rows": found})
        return
    console = terminal.output()
    if not rows:
        console.print(f"Nothing was booked since {day_of(begins)}.")
        return
    console.print(_cost_table(names, rows))
    total = sum(row.cost_pico for row in rows)
    unknown = sum(row.unpriced for row in rows)
    console.print(f"\n[dim]{money(total)} since {day_of(begins)} (UTC).{_unknown(unknown)}")


def reprice_records(
    by: Dimensions = [By.TARGET],  # noqa: B006 - typer copies it
    since: Since = "",
    prices: Annotated[
        Path | None, typer.Option(help="Another price list than the one in force.")
    ] = None,
    feature: Feature = "",
    user: User = "",
    key: Key = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show what records would cost now.

    By the prices in force, for every record that is still kept; what was booked stays booked.
    """
    from seatrial.app.spending import day_of, month_begins, reprice
    from seatrial.cli.opening import open_with_store

    now = time.time()
    begins = read_since(since, now=now) if since else month_begins(now)
    names = [each.value for each in by]
    app = open_with_store(config)
    filters = {"feature": feature, "user": user, "key_id": key}
    rows = reprice(app.store, app.config, by=names, since=begins, source=prices, **filters)
    if as_json:
        found = [_repriced_value(names, row) for row in rows]
        terminal.tell_json({"since": day_of(begins), "by": names, "rows": found})
        return
    console = terminal.output()
    if not rows:
        console.print(f"No record that is still kept since {day_of(begins)} called a target.")
        return
    console.print(_repriced_table(names, rows))
    console.print("\n[dim]Nothing was changed: what was booked stays booked.")


def money(pico: int) -> str:
    """Write a sum of money as people read it; JSON has every decimal.

    >>> money(12_345_678_900_000_000), money(4_350_000_000), money(450_000), money(0)
    ('$12,345.68', '$0.00435', 'under $0.000001', '$0')
    """
    usd = abs(dollars(pico))
    sign = "-" if pico < 0 else ""
    if usd == 0:
        return "$0"
    if usd < FINEST:
        return f"{sign}under ${FINEST:f}"
    if usd < 100 * CENT:
        return f"{sign}${_tidy(usd.quantize(FINEST))}"
    return f"{sign}${usd:,.2f}"


def _tidy(usd: Decimal) -> str:
    text = f"{usd:f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2}"


def _unknown(attempts: int) -> str:
    if not attempts:
        return ""
    what = "attempt has" if attempts == 1 else "attempts have"
    return f"  {attempts:,} {what} no known cost: in truth it is more."


def _cost(pico: int, unknown: int, attempts: int) -> str:
    """Write a cost that may be unknown in part or in whole: that is never $0."""
    if unknown and unknown == attempts:
        return "unknown"
    return f"{money(pico)} and unknown" if unknown else money(pico)


def _known(pico: int, unknown: int, attempts: int) -> Decimal | None:
    return None if unknown and unknown == attempts else dollars(pico)


def _cost_table(names: Sequence[str], rows: Sequence[Booked]) -> Any:
    right = ("requests", "attempts", "tokens in", "tokens out", "cost")
    table = terminal.plain_table(*names, *right, right=right)
    for row in rows:
        table.add_row(
            *(terminal.escape(name) or "[dim]–" for name in row.names),
            f"{row.requests:,}",
            f"{row.attempts:,}",
            f"{sum(getattr(row, name, 0) for name in READ):,}",
            f"{sum(getattr(row, name, 0) for name in WRITTEN):,}",
            _cost(row.cost_pico, row.unpriced, row.attempts),
        )
    return table


def _row_value(names: Sequence[str], row: Booked) -> dict[str, Any]:
    counts = (
        "requests attempts unpriced input_tokens cached_tokens cache_write_tokens "
        "output_tokens reasoning_tokens"
    ).split()
    return {
        **dict(zip(names, row.names, strict=True)),
        **{name: getattr(row, name) for name in counts},
        "cost_usd": _known(row.cost_pico, row.unpriced, row.attempts),
    }


def _repriced_table(names: Sequence[str], rows: Sequence[Repriced]) -> Any:
    right = ("attempts", "booked", "now", "difference")
    table = terminal.plain_table(*names, *right, right=right)
    for row in rows:
        table.add_row(
            *(terminal.escape(name) or "[dim]–" for name in row.names),
            f"{row.attempts:,}",
            _cost(row.booked_pico, row.booked_unknown, row.attempts),
            _cost(row.now_pico, row.now_unknown, row.attempts),
            money(row.now_pico - row.booked_pico),
        )
    return table


def _repriced_value(names: Sequence[str], row: Repriced) -> dict[str, Any]:
    return {
        **dict(zip(names, row.names, strict=True)),
        "attempts": row.attempts,
        "booked_usd": _known(row.booked_pico, row.booked_unknown, row.attempts),
        "booked_unpriced": row.booked_unknown,
        "now_usd": _known(row.now_pico, row.now_unknown, row.attempts),
        "now_unpriced": row.now_unknown,
        "difference_usd": dollars(row.now_pico - row.booked_pico),
    }
