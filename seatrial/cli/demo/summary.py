"""What the demo showed: the figures of both sides, as a table and as JSON."""

from typing import Any, Final

from rich.table import Table
from rich.text import Text

from seatrial.cli import terminal
from seatrial.cli.demo.client import Ending, Seen
from seatrial.cli.demo.run import Voyage
from seatrial.cli.demo.tally import Tally, durations, percentile

SHARES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
LOWER: Final = {
    "cache": "by the cache: an earlier answer",
    "rules": "by the shop's old rules",
    "say": "by the fixed text",
}


def figures(tally: Tally) -> dict[str, Any]:
    """Return the figures of one side as JSON holds them."""
    waits = durations(tally.seen)
    return {
        "asked": tally.asked,
        "answered": tally.endings[Ending.ANSWERED],
        "degraded": tally.endings[Ending.DEGRADED],
        "by_tier": {name: tally.tiers[name] for name in tally.route},
        "errors": tally.endings[Ending.ERROR],
        "cut": tally.endings[Ending.CUT],
        "gave_up": tally.endings[Ending.LEFT],
        "right_answers": tally.right_answers,
        "latency_s": {name: percentile(waits, share) for name, share in SHARES.items()},
    }


def interesting(voyage: Voyage) -> Seen | None:
    """Return a request with a story: the longest that a lower target answered itself."""
    recorded = [seen for seen in voyage.through.seen if seen.record_id]
    rescued = [
        seen
        for seen in recorded
        if seen.ending is Ending.DEGRADED and voyage.through.route[seen.tier or 0] == "rules"
    ]
    return max(rescued or recorded, key=lambda seen: seen.took_s, default=None)


def draw(voyage: Voyage) -> Table:
    """Return the table at the end."""
    straight, through = figures(voyage.straight), figures(voyage.through)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column(f"What the customers saw ({straight['asked']:,} questions)")
    table.add_column("straight to\nthe model", justify="right")
    table.add_column("through\nSeatrial", justify="right")

    def row(name: str, one: int | None, two: int, *, bad: bool = False, dim: bool = False) -> None:
        cells = [_count(count, straight["asked"], bad=bad) for count in (one, two)]
        table.add_row(name, *cells, style="dim" if dim else "")

    row("answered by the model", straight["answered"], through["answered"])
    row("answered by a lower tier, labelled", None, through["degraded"])
    for name, words in LOWER.items():
        row(f"  {words}", None, through["by_tier"][name], dim=True)
    row("told an error", straight["errors"], through["errors"], bad=True)
    row("answer broke off in the middle", straight["cut"], through["cut"], bad=True)
    row("gave up waiting", straight["gave_up"], through["gave_up"], bad=True)
    row("right answers", straight["right_answers"], through["right_answers"])
    for name, words in (("p50", "half"), ("p95", "95 in 100"), ("p99", "99 in 100")):
        waits = [terminal.seconds(side["latency_s"][name]) for side in (straight, through)]
        table.add_row(f"{words} knew within", *waits)
    return table


def explain(voyage: Voyage) -> str:
    """Return why fewer answers of the model can be more right ones; empty when they are not so."""
    straight, through = figures(voyage.straight), figures(voyage.through)
    fewer = through["answered"] < straight["answered"]
    if not fewer or through["right_answers"] <= straight["right_answers"]:
        return ""
    return (
        "Fewer answers of the model and yet more right ones: while it fails, or says "
        "`Retry-After`, it is left alone, and lower tiers answer."
    )


def _count(count: int | None, asked: int, *, bad: bool) -> Text:
    if count is None:
        return Text("–", style="dim")
    style = ("bold red" if count else "green") if bad else ""
    share = f"{count / asked:7.1%}" if asked else ""
    return Text(f"{count:,}{share}", style=style)


def tell_side(tally: Tally) -> str:
    """Return one side's figures so far in a few words, for a plain line."""
    recent = percentile(durations(tally.recent()), 0.95)
    return f"{tally.failed:,} of {len(tally.seen):,} failed (now within {terminal.seconds(recent)})"
