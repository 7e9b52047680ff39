"""The demo while it runs: the weather, both sides' figures, who answers, the model's state."""

from collections import Counter
from math import log
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seatrial.cli import terminal
from seatrial.cli.demo.breakers import Breaker
from seatrial.cli.demo.run import Voyage
from seatrial.cli.demo.tally import Bucket, Tally, durations, percentile
from seatrial.cli.demo.weather import Weather

WIDEST: Final = 110
NARROW: Final = 78  # below it the words beside the title are left out
LABEL: Final = 20  # columns for the names of the rows
SPARKS: Final = "▁▂▃▄▅▆▇█"
QUICKEST_S, SLOWEST_S = 0.05, 3.0  # ends of the sparks' scale, which is logarithmic

NAMES: Final = {
    Weather.FINE: "fine",
    Weather.DOWN: "outage",
    Weather.UNAVAILABLE: "503",
    Weather.HANG: "hang",
    Weather.BROWN_OUT: "brown-out",
}
WEATHER_COLOURS: Final = {
    Weather.FINE: "green",
    Weather.DOWN: "red",
    Weather.UNAVAILABLE: "red",
    Weather.HANG: "magenta",
    Weather.BROWN_OUT: "yellow",
}
TIER_COLOURS: Final = ("green", "cyan", "yellow", "magenta")


def draw(voyage: Voyage, *, width: int) -> RenderableType:
    """Return the picture of this moment for a terminal of `width` columns."""
    width = min(width, WIDEST)
    return Group(
        _title(voyage, width), "", *_weather(voyage, width), "", _sides(voyage, width), "",
        *_now(voyage, width),
    )  # fmt: skip


def _title(voyage: Voyage, width: int) -> Text:
    left_s = max(0.0, voyage.over_s - voyage.elapsed_s)
    title = Text("Seatrial demo", style="bold")
    if width >= NARROW:
        about = "  a shop's customers ask its AI model, in this weather:"
        title.append(about, style="not bold dim")
    right = f"{left_s:.0f} s to go" if left_s else "nearly done"
    title.append(right.rjust(width - title.cell_len), style="not bold")
    return title


def _weather(voyage: Voyage, width: int) -> list[Text]:
    """Draw the weather: what is over in full, what is to come dimly."""
    names, line = Text(), Text()
    until_s, drawn, reached = 0.0, 0, round(voyage.elapsed_s / voyage.over_s * width)
    for spell in voyage.script:
        until_s += spell.lasts_s
        end = round(until_s / voyage.over_s * width)
        cells = end - drawn
        here = drawn <= reached < end
        colour = WEATHER_COLOURS[spell.weather]
        names.append(
            NAMES[spell.weather][:cells].ljust(cells), style=f"bold {colour}" if here else colour
        )
        over = min(max(reached - drawn, 0), cells)
        line.append("━" * over, style=colour)
        line.append("─" * (cells - over), style="dim")
        drawn = end
    return [names, line]


def _sides(voyage: Voyage, width: int) -> Table:
    straight, through = voyage.straight, voyage.through
    columns = (width - LABEL) // 2
    grid = Table.grid(padding=0)
    grid.add_column(width=LABEL, style="dim")
    for _ in range(2):
        grid.add_column(width=columns, no_wrap=True, overflow="ellipsis")
    grid.add_row("", Text("straight to the model", "bold"), Text("through Seatrial", "bold"))
    grid.add_row("asked", f"{straight.asked:,}", f"{through.asked:,}")
    grid.add_row("answered", f"{straight.served:,}", _served(through))
    grid.add_row("failed", _failed(straight), _failed(through))
    grid.add_row("half within", _share_within(straight, 0.5), _share_within(through, 0.5))
    grid.add_row("95 in 100 within", _share_within(straight, 0.95), _share_within(through, 0.95))
    sparks = columns - 2
    grid.add_row("slow end, over time", _spark(straight, sparks), _spark(through, sparks))
    return grid


def _served(tally: Tally) -> Text:
    text = Text(f"{tally.served:,}")
    lower = tally.served - tally.tiers[tally.route[0]]
    if lower:
        text.append(f"  {lower:,} of them degraded", style="yellow")
    return text


def _failed(tally: Tally) -> Text:
    return Text(f"{tally.failed:,}", style="bold red" if tally.failed else "green")


def _share_within(tally: Tally, share: float) -> str:
    return terminal.seconds(percentile(durations(tally.recent()), share))


def _spark(tally: Tally, columns: int) -> Text:
    """Draw the slow end of the durations over the whole run; red where customers failed."""
    text = Text()
    for bucket in tally.buckets(columns):
        text.append(_spark_sign(bucket), style="red" if bucket.failed else "green")
    return text


def _spark_sign(bucket: Bucket) -> str:
    if bucket.slow_s is None:
        return " "
    height = log(max(bucket.slow_s, QUICKEST_S) / QUICKEST_S) / log(SLOWEST_S / QUICKEST_S)
    return SPARKS[min(round(height * (len(SPARKS) - 1)), len(SPARKS) - 1)]


def _now(voyage: Voyage, width: int) -> list[Text]:
    through = voyage.through
    now = Counter(through.route[seen.tier or 0] for seen in through.recent() if seen.ending.served)
    bar = Text("Seatrial answers by".ljust(LABEL), style="dim")
    legend = Text(" " * LABEL, no_wrap=True, overflow="ellipsis")
    columns, total, drawn, so_far = width - LABEL, sum(now.values()), 0, 0
    for name, colour in zip(through.route, TIER_COLOURS, strict=True):
        so_far += now[name]
        end = round(so_far / total * columns) if total else 0
        bar.append("█" * (end - drawn), style=f"not dim {colour}")
        drawn = end
        share = f"{now[name] / total:.0%}" if total else "–"
        legend.append("■ ", style=colour)
        legend.append(f"{name} {share}   ", style="dim")
    breakers = Text("breakers".ljust(LABEL), style="dim", no_wrap=True, overflow="ellipsis")
    for breaker in sorted(voyage.breakers, key=lambda each: through.route.index(each.target)):
        breakers.append(f"{breaker.target} ", style="not dim")
        breakers.append(f"{tell_breaker(breaker)}   ", style=f"not dim {_colour(breaker)}")
    state = Text("Seatrial says".ljust(LABEL), style="dim")
    reason = through.last_reason()
    said = f"{reason}" if reason else "the model answers"
    state.append(
        terminal.shorten(said, width - LABEL), style=f"not dim {'yellow' if reason else 'green'}"
    )
    return [bar, legend, breakers, state]


def tell_breaker(breaker: Breaker) -> str:
    """Say in words whether a target is asked; also a closed one is not, when it said so."""
    rests = f"{breaker.rests_s:.1f} s"
    if breaker.state == "probing":
        return "◐ probing"
    if breaker.state == "open":
        return f"○ open, rests {rests}"
    return f"● closed, told to wait {rests}" if _is_told_to_wait(breaker) else "● closed"


def _colour(breaker: Breaker) -> str:
    if breaker.state == "open":
        return "red"
    return "yellow" if breaker.state == "probing" or _is_told_to_wait(breaker) else "green"


def _is_told_to_wait(breaker: Breaker) -> bool:
    return breaker.rests_s >= 0.05
