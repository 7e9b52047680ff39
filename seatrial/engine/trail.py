"""What a request leaves behind on its way, for its record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from seatrial.engine.granting import Grant
from seatrial.engine.restoring import RestoringSink
from seatrial.engine.streaming import Begun
from seatrial.engine.world import Snapshot
from seatrial.reliability.caching import cache_key
from seatrial.reliability.costs import NOTHING, Cost, cost_of_failure
from seatrial.reliability.costs import cost as cost_of
from seatrial.reliability.flow import Attempt
from seatrial.reliability.limits import tokens_of
from seatrial.reliability.settings import Plan
from seatrial.reliability.similarity import Inquiry, split_request
from seatrial.reliability.telling import telling
from seatrial.values.attempts import Cause, Result
from seatrial.values.chat import Answer, Usage
from seatrial.values.checks import CheckRecord, Verdict
from seatrial.values.prices import PriceCard, dollars
from seatrial.values.records import AttemptRecord
from seatrial.values.requests import CHAT, Request

if TYPE_CHECKING:
    from seatrial.engine.together import Running


class Purse(NamedTuple):
    """What an attempt may spend.

    Args:
        id: of the reservation; empty when nothing had to be reserved.
        asks: how many accounts it was reserved in.
        body: the request, with a bound on what may be written.
    """

    id: str
    asks: int
    body: dict[str, Any]


class Trail(msgspec.Struct):
    """What a request leaves behind on its way.

    Args:
        request, plan, known: what is asked, of whom; once inputs were checked, the request
            is as it may be sent and stored.
        body: the request as targets see it, prompt included.
        started: on the monotonic clock.
        wall: the same moment on the wall clock.
        stream: whether targets are asked for pieces: not where a check must see the whole
            answer before the caller does.
        task: in which the request is answered; limits of time end by stopping it.
        attempts: every attempt so far.
        begun: the stream that waits for its commit, or was handed over.
        committed: whether anything has left for the caller.
        last: the result that the decision rests on.
        cleared: whether the request may be stored: not before personal data is out of it.
        marks: what stands in the place of personal data, and for what; never stored.
        checks: every verdict so far.
        repair: what the last answer was refused for, to be told to its target.
        refused: what that answer said; a repair that never arrived has not changed it.
        rejected: whether the answer that stands was refused by a check, after it had left.
        restoring: turns marks back in a stream that is handed over.
        purse: what the running attempt may spend.
        cost: of the last attempt.
        running: calls in tasks of their own that have not been taken up.
        answering: which attempt gave what the caller got, where others are noted behind it.
        grant: what the running attempt has taken from what its provider grants.
        rate: what the caller's limits leave, as headers.
        long: whether checks of the request belong into a thread; None: not asked yet.
    """

    request: Request
    plan: Plan
    known: Snapshot
    body: dict[str, Any]
    started: float
    wall: float
    stream: bool
    task: asyncio.Task[Any] | None = None
    attempts: list[AttemptRecord] = []
    begun: Begun | None = None
    committed: bool = False
    last: Result | None = None
    cleared: bool = True
    marks: Mapping[str, str] = {}
    checks: list[CheckRecord] = []
    repair: str = ""
    refused: str = ""
    rejected: bool = False
    restoring: RestoringSink | None = None
    purse: Purse | None = None
    cost: Cost | None = None
    grant: Grant | None = None
    rate: Mapping[str, str] = {}
    running: list[Running] = []
    answering: int = -1
    long: bool | None = None
    _key: str | None = None
    _inquiry: Inquiry | None = None

    def cache_key(self, secret: bytes) -> str:
        """Return the cache key of this request, made once; empty when the route has no cache."""
        if self._key is None:
            self._key = ""
            if self.plan.keeps:
                # The prompt is in the body, with its variables put in.
                self._key = self._make_key(secret, self.body)
        return self._key

    def inquiry(self, secret: bytes) -> Inquiry | None:
        """Return the question as it may be compared with others; None when it may not."""
        if self._inquiry is None:
            plan = self.plan.cache
            if plan is None or plan.settings.similar is None or self.request.kind != CHAT:
                return None
            split = split_request(self.body)
            # Marks of the same kind may stand for different people.
            if split is None or self.marks:
                return None
            like = {**split.rest, "\0similar": [plan.space, *telling(split.question)]}
            partition = self._make_key(secret, like)
            self._inquiry = Inquiry(split.question, partition) if partition else None
        return self._inquiry

    def _make_key(self, secret: bytes, body: dict[str, Any]) -> str:
        """Make the key of all that can change the answer; empty where it cannot be written."""
        with suppress(TypeError, ValueError, OverflowError, RecursionError):
            return self._key_of(secret, body)
        return ""

    def _key_of(self, secret: bytes, body: dict[str, Any]) -> str:
        request = self.request
        asked = dict(body)
        if "python" in self.plan.kinds:
            asked["arguments"] = [request.arguments, request.variables]  # functions may read them
        return cache_key(
            secret,
            tenant=request.caller.tenant,
            scope=request.caller.key_scope,
            feature=self.plan.feature,
            prompt_version=self.plan.prompt_version,
            body=asked,
        )

    def say(self, check: str, side: str, verdict: Verdict, took_s: float) -> None:
        """Note a verdict."""
        attempt = len(self.attempts) - 1 if side == "output" else None
        self.checks.append(
            CheckRecord(
                check,
                side,
                verdict.says._value_,  # as `value` is, which is slow
                verdict.code,
                verdict.reason,
                verdict.counts,
                attempt,
                int(took_s * 1e6 + 0.5) / 1e6,
            )
        )

    def tokens(self) -> int | None:
        """Return how many tokens all attempts used; None when one of them did not tell."""
        used = 0
        for each in self.attempts:
            if each.sent and each.usage is None:
                return None
            if each.usage is not None:
                used += tokens_of(msgspec.convert(each.usage, Usage))
        return used

    def written(self) -> int | None:
        """Return how many tokens the last attempt wrote; None when nobody knows."""
        usage = self.last.usage if self.last else None
        return None if usage is None else usage.all_output_tokens

    def cost_usd(self) -> Decimal | None:
        """Return what all attempts cost together, as far as it is known; None when nothing is."""
        total: Decimal | None = None
        for each in self.attempts:
            if each.cost_usd is not None:
                total = each.cost_usd if total is None else total + each.cost_usd
        return total

    def unpriced(self) -> int:
        """Return how many attempts were sent and have no known cost."""
        count = 0
        for each in self.attempts:
            count += each.sent and each.cost_usd is None
        return count

    def note(self, step: Attempt, result: Result | None, *, at: float, ended: float) -> None:
        """Note an attempt with what came of it.

        Args:
            step: what the plan asked for.
            result: None when the caller left meanwhile.
            at: its start, on the monotonic clock.
            ended: its end.
        """
        # As `rounded` does it: most of a request's times are taken here.
        started_s = int((at - self.started) * 1e6 + 0.5) / 1e6
        took_s = int((ended - at) * 1e6 + 0.5) / 1e6
        name, tier, turn = step.target.name, step.tier, step.turn
        purpose = step.purpose or ("repair" if step.repair else "")
        if result is None:
            noted = AttemptRecord(
                name,
                tier,
                turn,
                cause=Cause.CALLER_LEFT.value,
                sent=True,
                started_s=started_s,
                took_s=took_s,
                purpose=purpose,
            )
        else:
            noted = self._account(name, tier, turn, result, started_s, took_s, purpose)
        self.attempts.append(noted)

    def note_end(self, result: Result | None) -> None:
        """Note how the stream that the last attempt began has ended; None: the caller left."""
        latest = self.attempts[-1]
        if result is None:
            ended = msgspec.structs.replace(latest, cause=Cause.CALLER_LEFT.value)
        else:
            took_s = rounded(result.at - self.started - latest.started_s)
            name, tier, turn = latest.target, latest.tier, latest.turn
            started_s, purpose = latest.started_s, latest.purpose
            ended = self._account(name, tier, turn, result, started_s, took_s, purpose)
        self.attempts[-1] = ended

    def _account(
        self,
        target: str,
        tier: int,
        turn: int,
        result: Result,
        started_s: float,
        took_s: float,
        purpose: str,
    ) -> AttemptRecord:
        """Return the account of an attempt, with what it cost."""
        failure, usage, answer = result.failure, result.usage, result.answer
        cost = NOTHING
        if result.sent:
            cost = _cost(result, self.known.prices.get(target), at=self.wall + started_s)
        self.cost = cost
        pico, first_s = cost.pico, result.first_token_s
        return AttemptRecord(
            target,
            tier,
            turn,
            result.outlet,
            failure.cause._value_ if failure else "",
            failure.reason if failure else _how_found(answer) if answer else "",
            result.sent,
            started_s,
            took_s,
            None if first_s is None else int(first_s * 1e6 + 0.5) / 1e6,
            failure.status if failure else None,
            answer.model if answer else "",
            msgspec.to_builtins(usage) if usage else None,
            purpose,
            None if pico is None or not result.sent else dollars(pico),
            cost.price if result.sent else "",
        )


def _how_found(answer: Answer) -> str:
    """Return how a kept answer to another question was found; empty for any other answer."""
    if answer.similarity is None:
        return ""
    return f"the answer to a question that is {answer.similarity:.3f} like this one"


def _cost(result: Result, card: PriceCard | None, *, at: float) -> Cost:
    # Whoever had begun to answer has worked, and may bill it, whatever the end was called.
    if result.failure is not None and result.first_token_s is None:
        return cost_of_failure(result.failure.cause, result.usage, card, at=at)
    return cost_of(result.usage, card, at=at)


def rounded(seconds: float) -> float:
    """Return whole microseconds; a quarter of the price of `round`.

    >>> rounded(0.12345678)
    0.123457
    """
    return int(seconds * 1e6 + 0.5) / 1e6
