"""The way in and out of the engine: a place, then what the limits leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from seatrial.engine.admission import Admission, Limiter, Place, Reserved
from seatrial.ports import Clock
from seatrial.reliability.limits import LimitSettings, UsualOutput, expected_tokens
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller, Request

GRACE_S: Final = 60.0  # for settling after the deadline
_NONE: Final[Mapping[str, str]] = {}


class Pass:
    """Leave to be answered; give it back with `Gate.leave`.

    Args:
        place: among those who are answered now.
        reserved: from the feature's limits; None where nothing is limited.
    """

    __slots__ = ("feature", "place", "reserved")

    def __init__(self, feature: str, place: Place, reserved: Reserved | None) -> None:
        self.feature = feature
        self.place = place
        self.reserved = reserved


class Gate:
    """Lets requests in and out.

    Args:
        admission: grants places.
        limiter: counts requests and tokens.
        clock: monotonic time.
    """

    def __init__(self, admission: Admission, limiter: Limiter, clock: Clock) -> None:
        self.admission = admission
        self.limiter = limiter
        self._clock = clock
        self._usual: dict[str, UsualOutput] = defaultdict(UsualOutput)

    async def enter(self, request: Request, settings: LimitSettings | None) -> Pass | Refused:
        """Let one request in, or say why not; without pressure and limits nothing is waited for.

        Args:
            request: authenticated.
            settings: the feature's limits; None where there are none.
        """
        key = _key_of(request.caller)
        found = self.admission.enter(key, request.criticality)
        if found is None:
            found = await self.admission.wait(key, request.criticality, deadline=request.deadline)
        if isinstance(found, Refused):
            return found
        if settings is None:
            return Pass(request.feature, found, None)
        try:
            reserved = await self._reserve(request, settings)
        except BaseException:
            self.admission.leave(found)
            raise
        if isinstance(reserved, Refused):
            self.admission.leave(found)
            self.admission.count_refused(reserved.code)
            return reserved
        return Pass(request.feature, found, reserved)

    def shed(self, caller: Caller, criticality: Criticality) -> Refused | None:
        """Refuse at the door whom `enter` would refuse for want of places; see `Admission.shed`.

        Args:
            caller: authenticated.
            criticality: as far as it is known already.
        """
        return self.admission.shed(_key_of(caller), criticality)

    async def _reserve(
        self, request: Request, settings: LimitSettings
    ) -> Reserved | Refused | None:
        tokens = 0
        if settings.counts_tokens:
            tokens = expected_tokens(request.body, self._usual[request.feature])
        lease_s = max(0.0, request.deadline - self._clock.now()) + GRACE_S
        return await self.limiter.reserve(
            settings, request.caller, request.feature, tokens=tokens, lease_s=lease_s
        )

    async def leave(self, passed: Pass, *, tokens: int | None, written: int | None = None) -> None:
        """Take a pass back.

        Args:
            passed: from `enter`.
            tokens: used by all attempts together, questions and answers; None when nobody
                knows, and then what was expected stays.
            written: tokens of the answer alone, to learn from; None when there was none.
        """
        self.admission.leave(passed.place)
        if passed.reserved is None:
            return
        if written is not None:
            self._usual[passed.feature].learn(written)
        if tokens is not None:
            await self.limiter.settle(passed.reserved, tokens=tokens)

    async def headers(self, passed: Pass) -> Mapping[str, str]:
        """Return the `x-ratelimit-…` headers; none where nothing is limited."""
        if passed.reserved is None:
            return _NONE
        return await self.limiter.headers(passed.reserved)


def _key_of(caller: Caller) -> str:
    return f"{caller.tenant}/{caller.key_id}"
