"""A target goes away and comes back: what its callers and it itself see of that."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from seatrial.ports import Call, Pulse
from seatrial.reliability.settings import Policy, TargetRules
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer
from seatrial.values.decisions import Kind
from tests.rooms.engine.stage import GOOD, HANG, Reader, Stage, Target, now, play, spoken

RATE = 4  # requests per second
AWAY_S = (30.0, 130.0)

OUTAGES: dict[str, list[Any]] = {
    "refused": [Failure(Cause.UNREACHABLE, sent=False)],
    "failing": [Failure(Cause.SERVER_ERROR, status=500)],
    "overloaded": [Failure(Cause.OVERLOADED, status=529)],
    "hung": [HANG, GOOD],
}


class Moody(Target):
    """A target that is away between two moments."""

    def at_mood(self, outage: list[Any], good: list[Any]) -> None:
        """Choose the script by the time of the call."""
        self.moods = (outage, good)

    def _next_act(self, call: Call) -> list[Any]:
        super()._next_act(call)
        since = now() - 100.0
        return self.moods[0] if AWAY_S[0] <= since < AWAY_S[1] else self.moods[1]

    async def stream(self, call: Call, pulse: Pulse) -> Any:
        away = AWAY_S[0] <= now() - 100.0 < AWAY_S[1]
        self.first_byte_s = HANG if away and self.moods[0][0] == HANG else 0.0
        return await super().stream(call, pulse)


@pytest.mark.parametrize("self_hosted", [False, True], ids=["hosted", "own"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_outage_from_first_to_last_second(outage: str, stream: bool, self_hosted: bool) -> None:
    """Promises 1, 6, 7 and 8: all are answered, little is wasted, and it is back within 30 s."""

    async def scene() -> None:
        die = random.Random(5)
        large = Moody([[GOOD]])
        large.at_mood(OUTAGES[outage], spoken(pause_s=0.05) if stream else [0.3, GOOD])
        small = Target([spoken(pause_s=0.05)] if stream else [[0.3, GOOD]])
        stage = Stage(
            {"large": large, "small": small},
            rules={"large": TargetRules("large", self_hosted=self_hosted)},
            policy=Policy(deadline_s=10.0),
            coins=[die.random() for _ in range(997)],
        )
        tiers: list[tuple[float, int]] = []

        async def one() -> None:
            started = now()
            settled = await (stage.listen(Reader()) if stream else stage.ask())
            assert settled.head.kind in (Kind.ANSWER, Kind.DEGRADED)
            assert now() - started <= 6.0
            tiers.append((started - 100.0, settled.head.tier))

        asking = []
        for _ in range(200 * RATE):
            asking.append(asyncio.create_task(one()))
            await asyncio.sleep(1 / RATE)
        await asyncio.gather(*asking)

        back = [tier for started, tier in tiers if started >= AWAY_S[1] + 30.0]
        assert back.count(0) >= 0.9 * len(back)
        called = [at - 100.0 for at in large.called_at]
        probes = [at for at in called if AWAY_S[0] + 15.0 <= at < AWAY_S[1]]
        assert len(probes) <= (AWAY_S[1] - AWAY_S[0]) / 5.0 * 2
        for second in range(int(AWAY_S[1]), 200):
            assert sum(second <= at < second + 1 for at in called) <= 1.5 * RATE
        attempts = sum(
            sum(each.sent for each in record.attempts) for record in stage.recorder.appended
        )
        assert attempts <= 1.2 * len(tiers)
        stage.check_at_rest()

    play(scene())


def test_target_of_long_streams_is_back_as_soon() -> None:
    """Promise 8 where answers take 25 s: first tokens tell enough, nobody waits for the ends."""

    async def scene() -> None:
        long = spoken(pause_s=5.0)
        large = Moody([[GOOD]])
        large.at_mood(OUTAGES["failing"], long)
        stage = Stage({"large": large, "small": Target([long])}, policy=Policy(deadline_s=60.0))
        tiers: list[tuple[float, int]] = []

        async def one() -> None:
            started = now() - 100.0
            tiers.append((started, (await stage.listen(Reader())).head.tier))

        async with asyncio.TaskGroup() as group:
            for _ in range(200 * RATE):
                group.create_task(one())
                await asyncio.sleep(1 / RATE)
        back = [tier for started, tier in tiers if started >= AWAY_S[1] + 30.0]
        assert back.count(0) >= 0.9 * len(back)
        stage.check_at_rest()

    play(scene())


def test_lone_target_that_rests_is_asked_at_probe_rate() -> None:
    """With nowhere to go a caller is refused with a time to come back, but for one in 5 s."""

    async def scene() -> None:
        large = Target([[Failure(Cause.TARGET_GONE)]])
        stage = Stage({"large": large})
        for _ in range(400):
            settled = await stage.ask()
            assert "no_target_left" == settled.decision.code
            await asyncio.sleep(0.25)
        assert 5 + 100 / 12 <= len(large.calls) <= 5 + 2 * 100 / 5
        assert settled.decision.retry_after_s <= 12.0

        large.script = [[Answer("Back.")]]
        await asyncio.sleep(12.0)
        for _ in range(8):
            await stage.ask()
            await asyncio.sleep(2.0)
        assert Kind.ANSWER is (await stage.ask()).decision.kind

    play(scene())
