"""No attempt goes beyond what a provider grants, as far as it is declared."""

from __future__ import annotations

from seatrial.counters import MemoryCounters
from seatrial.engine.granting import Grant, Grants
from seatrial.reliability.limits import TargetLimits
from seatrial.reliability.settings import TargetRules
from seatrial.testing.clock import run
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Usage
from tests.rooms.engine.test_admission import Away, LoopClock

BODY = {"messages": [{"role": "user", "content": "x" * 400}], "max_tokens": 100}
TWO = TargetRules("large", limits=TargetLimits(requests_minute=2))
TOKENS = TargetRules("large", limits=TargetLimits(tokens_minute=300))


async def take(grants: Grants, rules: TargetRules, number: int, outlets: int = 1) -> object:
    """Ask for one attempt."""
    return await grants.take(f"r{number}", rules, BODY, outlets=outlets, lease_s=60.0)


def test_an_attempt_beyond_the_grant_is_not_made() -> None:
    """Two a minute for each key; the third is told how long to wait."""

    async def main() -> None:
        grants = Grants(MemoryCounters(LoopClock()))
        taken = [await take(grants, TWO, number, outlets=2) for number in range(5)]
        assert [Grant] * 4 == [type(each) for each in taken[:4]]
        assert isinstance(taken[4], Failure)
        assert (Cause.THROTTLED, False) == (taken[4].cause, taken[4].sent)
        assert 14 < (taken[4].retry_after_s or 0) <= 15

    run(main())


def test_what_was_not_used_is_given_back() -> None:
    """Reported tokens replace the expected ones; an attempt never sent took nothing."""

    async def main() -> None:
        grants = Grants(MemoryCounters(LoopClock()))
        one = await take(grants, TOKENS, 1)
        assert isinstance(one, Grant)
        assert isinstance(await take(grants, TOKENS, 2), Failure)
        await grants.settle(one, Usage(input_tokens=90, output_tokens=5), sent=True)
        two = await take(grants, TOKENS, 3)
        assert isinstance(two, Grant)
        await grants.settle(two, None, sent=True)  # nobody knows: it stays
        assert isinstance(await take(grants, TOKENS, 4), Failure)
        assert [90 + 5 + 200] == await grants._counters.used(two.asks)
        await grants.settle(two, None, sent=False)
        assert [90 + 5] == await grants._counters.used(two.asks)

    run(main())


def test_nothing_declared_costs_nothing() -> None:
    """Counters are not even asked; and when they are away the provider counts alone."""

    async def main() -> None:
        grants = Grants(Away())
        assert await take(grants, TargetRules("large"), 1) is None
        assert await take(grants, TWO, 2) is None
        await grants.settle(Grant("id", "large", []), Usage(), sent=True)

    run(main())
