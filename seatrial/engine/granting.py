"""What providers grant per minute, as the operator declared it: no attempt goes beyond."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Counters
from seatrial.reliability import limits
from seatrial.reliability.limits import UsualOutput
from seatrial.reliability.settings import TargetRules
from seatrial.values.attempts import Failure
from seatrial.values.chat import Usage


@dataclass(frozen=True, slots=True)
class Grant:
    """What one attempt has taken; give it to `Grants.settle`."""

    id: str
    target: str
    asks: Sequence[Ask]


class Grants:
    """Takes what attempts need from what providers grant.

    Args:
        counters: where it is counted.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._usual: dict[str, UsualOutput] = defaultdict(UsualOutput)

    async def take(
        self, id: str, rules: TargetRules, body: Mapping[str, Any], *, outlets: int, lease_s: float
    ) -> Grant | Failure | None:
        """Take what one attempt needs; None where nothing is declared or can be counted.

        Args:
            id: of the attempt.
            rules: of the target.
            body: as the target would get it.
            outlets: how many addresses and keys the target has.
            lease_s: how long the attempt may take, in seconds.
        """
        granted = rules.limits
        if granted.requests_minute is None and granted.tokens_minute is None:
            return None
        tokens = limits.expected_tokens(body, self._usual[rules.name])
        asks = limits.asks_of_target(granted, rules.name, outlets, tokens)
        try:
            short = await self._counters.reserve(f"{id}.grant", asks, lease_s=lease_s)
        except CountersUnavailable:
            return None  # the provider counts, too
        if short is not None:
            return limits.used_up(short)
        return Grant(f"{id}.grant", rules.name, asks)

    async def settle(self, grant: Grant, usage: Usage | None, *, sent: bool) -> None:
        """Put what was used in place of what was expected.

        Args:
            grant: from `take`.
            usage: as reported; None when it was not, and then what was expected stays.
            sent: whether the provider can have seen the attempt.
        """
        if not sent:
            amounts = [0] * len(grant.asks)
        elif usage is None:
            return
        else:
            self._usual[grant.target].learn(usage.output_tokens + usage.reasoning_tokens)
            amounts = limits.settled(grant.asks, limits.tokens_of(usage))
        try:
            await self._counters.settle(grant.id, amounts)
        except CountersUnavailable:
            return  # it stays: too much, never too little
