"""The trials: three times too much, one greedy key of ten, and a processor that is used up.

On a machine that does other work as well what can be done differs from second to second.  What is
offered to a processor that is used up, and to keys that share what can be done, follows it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from seatrial.testing.overload._callers import Heard, Lines, closed_loop, open_loop
from seatrial.testing.overload._figures import Figure, Figures, at_least, at_most, percentile
from seatrial.testing.overload._scene import FEATURE, Sample, Scene, scene

Tell = Callable[[str], None]

GOODPUT_SHARE: Final = 0.9
REFUSAL_MS: Final = 20.0
RECOVERY_S: Final = 5.0
MEMORY_SHARE: Final = 0.05  # growth from the flood's first tenth to its end that counts as flat
OTHERS_SHARE: Final = 0.999
ADDED_MS: Final = 20.0
CALM_SHARE: Final = 0.7  # of the peak
MODEST_SHARE: Final = 0.8  # of a fair share, that the other keys ask for
WARM_S: Final = 2.0
STEP_S: Final = 1.0  # for so long the same is offered
NEARLY_ALL: Final = 0.9  # of what could be done: less is another machine
CPU_CALLERS: Final = 48


@dataclass(frozen=True, slots=True)
class Settings:
    """How large a trial is.

    Args:
        places: `max_in_flight` of the gateway; of no concern where the processor is the limit.
        answer_s: how long the model thinks.
        times: how much is offered, in peaks; of the greedy key, in fair shares.
        peak_s, flood_s, calm_s: how long each part lasts.
        keys: of the trial of shares.
        seed: of the moments at which requests come.
    """

    places: int = 32
    answer_s: float = 0.1
    times: float = 3.0
    peak_s: float = 8.0
    flood_s: float = 60.0
    calm_s: float = 10.0
    keys: int = 10
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a trial: what was heard of the requests that were sent in it."""

    heard: tuple[Heard, ...]
    begin_s: float
    end_s: float
    before: Sample
    after: Sample
    lines: Lines
    never: int

    @property
    def goodput(self) -> float:
        """Answers per second that came within the part."""
        good = sum(h.status == 200 and h.at_s + h.took_s <= self.end_s for h in self.heard)
        return good / (self.end_s - self.begin_s)

    @property
    def refused(self) -> list[Heard]:
        """Give the refusals."""
        return [each for each in self.heard if each.refused]

    @property
    def cores(self) -> float:
        """How much of a processor the gateway used."""
        used_s = self.after.gateway_s - self.before.gateway_s
        return used_s / (self.after.at_s - self.before.at_s)


async def run_trial(name: str, settings: Settings, tell: Tell) -> Figures:
    """Run one of `TRIALS`.

    Args:
        name: of the trial.
        settings: its size.
        tell: told what is done now, in words.
    """
    return await TRIALS[name](settings, tell)


async def _overload(settings: Settings, tell: Tell) -> Figures:
    """Offer three times the peak, then less than the peak."""
    with scene(places=settings.places, answer_s=settings.answer_s) as here:
        return await _three_parts("overload", here, settings, settings.places, tell)


async def _processor(settings: Settings, tell: Tell) -> Figures:
    """Offer three times what the processor can do, with no other limit."""
    with scene(places=None, answer_s=0.0) as here:
        return await _three_parts("cpu", here, settings, CPU_CALLERS, tell)


async def _three_parts(
    name: str, here: Scene, settings: Settings, callers: int, tell: Tell
) -> Figures:
    async with _watched(here):
        await _peak(here, callers, WARM_S)
        tell(f"the peak, with {callers} callers at once, {settings.peak_s:g} s")
        peak = await _peak(here, callers, settings.peak_s)
        offered = settings.times * peak.goodput
        tell(f"{peak.goodput:,.0f}/s; now {offered:,.0f}/s for {settings.flood_s:g} s, then little")
        little = CALM_SHARE * peak.goodput
        judged = name == "overload"
        parts = [1.0]
        pace = _steady if judged else _by_processor(here, peak, parts)
        flood, calm = await _flood(
            here,
            ([offered], settings.flood_s, pace),
            ([little], settings.calm_s, lambda _lines: parts[-1]),
            seed=settings.seed,
        )
    told = await _told(here)
    share = flood.goodput / peak.goodput
    by_processor = share * peak.cores / max(flood.cores, 1e-9)
    rows = [
        Figure("peak", peak.goodput, "answers/s"),
        Figure("offered", len(flood.heard) / settings.flood_s, "requests/s"),
        Figure("goodput", flood.goodput, "answers/s"),
        at_least("goodput of the peak", share, GOODPUT_SHARE)
        if judged
        else Figure("goodput of the peak", share),
        Figure("the same by processor time", by_processor),
        *_refusals(flood, told, judged=judged),
        *_memory(here, flood, judged=judged),
        at_most("normal again after", _recovery_s(calm), RECOVERY_S, "s"),
        *_books(flood, told),
        *_machine(here, flood),
    ]
    return Figures(name, tuple(rows))


async def _shares(settings: Settings, tell: Tell) -> Figures:
    """Let one key of ten ask for ten times its share."""
    count = settings.keys
    with scene(places=settings.places, answer_s=settings.answer_s, keys=count) as here:
        async with _watched(here):
            await _peak(here, settings.places, WARM_S)
            tell(f"the peak, {settings.peak_s:g} s")
            peak = await _peak(here, settings.places, settings.peak_s)
            share = peak.goodput / count
            modest = [MODEST_SHARE * share] * (count - 1)
            tell(f"{count} keys at {modest[0]:.1f} requests/s each, {settings.flood_s / 2:g} s")
            greedy = settings.times * share
            tell(f"then one of them at {greedy:,.0f} requests/s, {settings.flood_s:g} s")
            fair, flood = await _flood(
                here,
                ([modest[0], *modest], settings.flood_s / 2, _steady),
                ([greedy, *modest], settings.flood_s, _by_answers(peak)),
                seed=settings.seed,
            )
        told = await _told(here)
    others = [each for each in flood.heard if each.who]
    good = [each for each in others if each.status == 200]
    before = [each for each in fair.heard if each.status == 200]
    greedy_good = sum(h.status == 200 and not h.who for h in flood.heard) / settings.flood_s
    p99 = {
        name: 1000 * percentile([h.took_s for h in some], 0.99)
        for name, some in (("before", before), ("during", good))
    }
    rows = [
        Figure("peak", peak.goodput, "answers/s"),
        Figure("fair share of a key", share, "answers/s"),
        Figure("greedy key offers", greedy, "requests/s"),
        Figure("greedy key gets", greedy_good, "answers/s"),
        Figure("others ask", len(others)),
        Figure("others ask, of what they did", len(others) / settings.flood_s / sum(modest)),
        at_least("others are answered", len(good) / max(1, len(others)), OTHERS_SHARE),
        Figure("others' p99 before", p99["before"], "ms"),
        at_most("others' p99 grows by", p99["during"] - p99["before"], ADDED_MS, "ms"),
        Figure("goodput", flood.goodput, "answers/s"),
        *_refusals(flood, told, judged=True),
        *_memory(here, flood, judged=False),
        *_books(flood, told),
        *_machine(here, flood),
    ]
    return Figures("share", tuple(rows))


TRIALS: Final = {"overload": _overload, "share": _shares, "cpu": _processor}


# --- parts ---------------------------------------------------------------------------------


@asynccontextmanager
async def _watched(here: Scene) -> AsyncIterator[None]:
    watch = asyncio.create_task(here.watch())
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _peak(here: Scene, callers: int, seconds: float) -> _Part:
    lines = Lines(here.gateway.port, FEATURE, here.keys)
    before = here.sample()
    began = await closed_loop(lines, callers=callers, seconds=seconds)
    return await _ended(here, lines, began, began + seconds, before, here.sample())


async def _flood(
    here: Scene, *loads: tuple[Sequence[float], float, _Pace], seed: int
) -> tuple[_Part, ...]:
    """Offer one load after the other, without a pause: the second meets what the first left."""
    done = []
    for place, (rates, seconds, pace) in enumerate(loads):
        lines = Lines(here.gateway.port, FEATURE, here.keys)
        dice = Random(seed + place)
        before = here.sample()
        began = ended = time.monotonic()
        while (left_s := began + seconds - ended) > 0.0:
            part, step_s = pace(lines), min(STEP_S, left_s)
            now = [part * rate for rate in rates]
            _, ended = await open_loop(lines, now, seconds=step_s, dice=dice)
        done.append((lines, began, ended, before, here.sample()))
    return tuple([await _ended(here, *each) for each in done])


_Pace = Callable[[Lines], float]
"""Tells which part of a load is offered next, in (0, 1]."""


def _steady(_lines: Lines) -> float:
    return 1.0


def _by_answers(peak: _Part) -> _Pace:
    """Follow what is answered, while more is asked than can be: that is what can be done."""
    ends: dict[Lines, tuple[int, float]] = {}

    def pace(lines: Lines) -> float:
        now, heard = time.monotonic(), len(lines.heard)
        before, at_s = ends.get(lines, (0, now))
        ends[lines] = heard, now
        if not before:
            return 1.0  # what is under way at first is not counted yet
        answered = sum(each.status == 200 for each in lines.heard[before:heard])
        present = answered / (now - at_s) / peak.goodput
        return 1.0 if present > NEARLY_ALL else max(present, 0.05)

    return pace


def _by_processor(here: Scene, peak: _Part, parts: list[float]) -> _Pace:
    """Follow how much of a processor the gateway gets, while it could use more; keep each part."""
    latest = [here.sample()]

    def pace(_lines: Lines) -> float:
        was, now = latest[0], here.sample()
        if now.at_s - was.at_s > STEP_S / 2:
            latest[0] = now
            present = (now.gateway_s - was.gateway_s) / (now.at_s - was.at_s) / peak.cores
            parts.append(1.0 if present > NEARLY_ALL else max(present, 0.05))
        return parts[-1]

    return pace


async def _ended(
    here: Scene, lines: Lines, begin: float, end: float, before: Sample, after: Sample
) -> _Part:
    never = await lines.drain()
    await lines.close()
    heard = tuple(each for each in lines.heard if each.at_s + each.took_s >= begin)
    return _Part(heard, begin, end, before, after, lines, never)


async def _told(here: Scene) -> dict[str, Any]:
    """Ask the gateway what it counted."""
    return await asyncio.to_thread(here.load)


# --- figures -------------------------------------------------------------------------------


def _refusals(part: _Part, told: dict[str, Any], *, judged: bool) -> list[Figure]:
    refused = part.refused
    door_ms = 1000 * told["refusal_p99_s"]
    waits = [each.retry_ms for each in refused if each.retry_ms >= 0]
    return [
        Figure("refused", len(refused)),
        at_most("refusals' p99 at the door", door_ms, REFUSAL_MS, "ms")
        if judged
        else Figure("refusals' p99 at the door", door_ms, "ms"),
        Figure("refusals' p50, callers' side", _ms(refused, 0.5), "ms"),
        Figure("refusals' p99, callers' side", _ms(refused, 0.99), "ms"),
        at_least("refusals with Retry-After", len(waits) / max(1, len(refused)), 1.0),
        Figure("distinct waits in a hundred", len(set(waits[:100])))
        if len(waits) < 100
        else at_least("distinct waits in a hundred", len(set(waits[:100])), 50),
        Figure("shortest wait told", min(waits, default=0) / 1000, "s"),
        Figure("longest wait told", max(waits, default=0) / 1000, "s"),
    ]


def _ms(heard: Sequence[Heard], share: float) -> float:
    return 1000 * percentile([each.took_s for each in heard], share)


def _memory(here: Scene, part: _Part, *, judged: bool) -> list[Figure]:
    """Compare memory at the flood's end with what it was once the flood was there."""
    settled = part.begin_s + (part.end_s - part.begin_s) / 10
    during = [s.memory_bytes for s in here.samples if settled <= s.at_s <= part.end_s]
    if not during:
        return []
    first, last, most = during[0], during[-1], max(during)
    growth = last / first - 1.0
    return [
        Figure("memory at its first tenth", first / 2**20, "MiB"),
        Figure("memory at its end", last / 2**20, "MiB"),
        Figure("most memory", most / 2**20, "MiB"),
        at_most("memory grew by", growth, MEMORY_SHARE)
        if judged
        else Figure("memory grew by", growth),
    ]


def _recovery_s(calm: _Part) -> float:
    """Return when the last request was sent that was not answered, since the flood ended."""
    bad = [each.at_s for each in calm.heard if each.status != 200]
    return max(0.0, max(bad) - calm.begin_s) if bad else 0.0


def _books(part: _Part, told: dict[str, Any]) -> list[Figure]:
    """Show statuses, and that nothing was lost between callers and gateway."""
    statuses = Counter(each.status for each in part.heard)
    rows = [Figure(f"status {status}", count) for status, count in sorted(statuses.items())]
    broken = statuses.get(0, 0) + part.never
    closed = sum(each.closed for each in part.heard)
    return [
        *rows,
        at_most("broken or never answered", broken, 0),
        at_most("kept connections closed", closed, 0),
        Figure("connections", part.lines.opened),
        Figure("due and not sent", part.lines.unsent),
        *(Figure(f"refused, says the gateway: {code}", n) for code, n in told["refused"].items()),
        at_most("in flight at the end", told["in_flight"], 0),
    ]


def _machine(here: Scene, part: _Part) -> list[Figure]:
    """Show who used the processor, in cores, and how late the gateway's loop was for it."""
    was, now = part.before, part.after
    over_s = now.at_s - was.at_s
    ours = [
        ("gateway", now.gateway_s - was.gateway_s),
        ("model server", now.model_s - was.model_s),
        ("callers", now.callers_s - was.callers_s),
    ]
    others = now.machine_s - was.machine_s - sum(used for _, used in ours)
    late = part.lines.late_s
    views = [s.view for s in here.samples if s.view and part.begin_s <= s.at_s <= part.end_s]
    lags = [float(view["lag_s"]) for view in views]
    return [
        *(Figure(f"processor: {who}", used / over_s, "cores") for who, used in ours),
        Figure("processor: others", max(0.0, others / over_s), "cores"),
        Figure("callers sent late, p99", 1000 * percentile(late, 0.99), "ms"),
        Figure("gateway's loop late, p50", 1000 * percentile(lags, 0.5), "ms"),
        Figure("gateway's loop late, most", 1000 * max(lags, default=0.0), "ms"),
        Figure("places, least", min((view["capacity"] for view in views), default=0)),
    ]
