"""Every fault of the catalogue, on real sockets, as the adapters tell it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from seatrial.ports import Ended, Transport
from seatrial.providers import TargetSettings, build_provider
from seatrial.providers.wire import WireTransport
from seatrial.reliability.answers import Assembly, fault
from seatrial.testing import FAULTS, FaultyUpstream, Verdict, verify
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer
from seatrial.values.secrets import Secret
from tests.conformance.scripted_wire import Beats, call

pytestmark = pytest.mark.wire

QUESTION = "How deep is the harbour?"
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
GIVE_UP_S = 1.0
LONG_S = 100.0  # for all that is met at once, on a busy machine
NO_FAULTS_OF_OURS = {"refuse", "rate-limit-requests", "rate-limit-tokens"}  # they strike others too
SMALLER = {
    "gzip-bomb": "?mb=24",
    "huge-body": "?mb=24",
    "huge-event": "?mb=2",
    **{name: "?p50_s=0.01" for name in FAULTS if FAULTS[name].row == 19},
}

# Whether the wire itself is honest is not for an adapter to see: the words are another's.
UNSEEN = {"foreign-reply", "duplicate-tokens", "reorder-tokens", "stale-reply"}
# The other side is alive and slow; the engine's timers judge it.
SLOW = {name for name in FAULTS if FAULTS[name].row in {16, 17, 18, 35, 36, 37}} | {"endless"}


@dataclass
class Outcome:
    """What an adapter made of one fault."""

    answer: Answer | None = None
    failure: Failure | None = None
    late: bool = False
    beats: Beats = field(default_factory=Beats)

    @property
    def whole(self) -> bool:
        """Whether it is a valid answer, and all of it."""
        if self.answer is None or fault(self.answer) is not None:
            return False
        if self.answer.tool_calls or self.answer.refused:
            return True
        return verify(self.answer.text or "", QUESTION) is Verdict.WHOLE


async def meet(
    name: str, mode: str, dialect: str, base_url: str, wire: Callable[[], Transport]
) -> Outcome:
    """Ask a target that has one fault, as the engine would."""
    settings = TargetSettings(
        provider=dialect,  # type: ignore[arg-type]
        model=f"fault:{name}{SMALLER.get(name, '')}",
        base_url=base_url,
    )
    provider = build_provider("t", settings, transport_factory=wire, keys=[Secret("k")])
    outcome = Outcome()
    more = {"tools": TOOLS} if FAULTS[name].needs_tools else {}
    try:
        async with asyncio.timeout(GIVE_UP_S if name in SLOW else LONG_S):
            await _ask(provider, call(QUESTION, stream=mode == "streamed", **more), outcome)
    except TimeoutError:
        outcome.late = True
    finally:
        await provider.close()
    return outcome


async def _ask(provider, asked, outcome: Outcome) -> None:  # type: ignore[no-untyped-def]
    if not asked.stream:
        _note(outcome, await provider.ask(asked, outcome.beats))
        return
    opened = await provider.stream(asked, outcome.beats)
    if isinstance(opened, Answer | Failure):
        _note(outcome, opened)
        return
    assembly = Assembly()
    try:
        while True:
            came = await opened.next()
            if isinstance(came, Failure):
                outcome.failure = came
                return
            if isinstance(came, Ended):
                outcome.answer = assembly.answer()
                return
            assembly.feed(came)
    finally:
        await opened.close()


def _note(outcome: Outcome, came: Answer | Failure) -> None:
    if isinstance(came, Failure):
        outcome.failure = came
    else:
        outcome.answer = came


CASES = [
    (name, mode, dialect)
    for name, each in FAULTS.items()
    for mode in sorted(each.modes)
    for dialect in sorted(each.dialects)
    if name not in NO_FAULTS_OF_OURS
]


@pytest.fixture(scope="module", params=[WireTransport])
def met(request) -> dict[tuple[str, str, str], Outcome]:
    """Meet every fault once, some at a time."""

    async def walk() -> dict[tuple[str, str, str], Outcome]:
        few = asyncio.Semaphore(48)

        async def one(case: tuple[str, str, str], base_url: str) -> Outcome:
            async with few:
                return await meet(*case, base_url, request.param)

        with FaultyUpstream(seed=3) as upstream:
            got = await asyncio.gather(*(one(case, upstream.base_url) for case in CASES))
        return dict(zip(CASES, got, strict=True))

    return asyncio.run(walk())


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_each_fault_is_told_or_harmless(
    case: tuple[str, str, str], met: dict[tuple[str, str, str], Outcome]
) -> None:
    """Legal ones give the whole answer; the others that, or a failure with its cause."""
    name, _, _ = case
    outcome = met[case]

    match FAULTS[name].expect.name:
        case "LEGAL":
            assert outcome.whole, outcome
        case "ANSWER" if name in SLOW:
            assert outcome.late or outcome.failure
        case "ANSWER":
            answer = outcome.answer
            assert outcome.failure or (answer is not None and fault(answer)), outcome
        case "POLICY":
            refused = outcome.answer is not None and outcome.answer.refused
            final = {Cause.POLICY, Cause.BAD_REQUEST}
            told = outcome.failure is not None and outcome.failure.cause in final
            assert refused or (told and outcome.failure and outcome.failure.error), outcome
        case _:
            invalid = outcome.answer is not None and fault(outcome.answer) is not None
            honest = outcome.whole or outcome.failure or outcome.late or invalid
            assert honest or name in UNSEEN, outcome


CAUSES = {
    "http-500": Cause.SERVER_ERROR,
    "http-502": Cause.SERVER_ERROR,
    "http-503": Cause.OVERLOADED,
    "overloaded": Cause.OVERLOADED,
    "http-429": Cause.RATE_LIMITED,
    "key-revoked": Cause.KEY_REFUSED,
    "model-retired": Cause.TARGET_GONE,
    "bad-request": Cause.SERVER_ERROR,
    "html-error": Cause.SERVER_ERROR,
    "html-200": Cause.INVALID_ANSWER,
    "redirect": Cause.INVALID_ANSWER,
    "reset-early": Cause.CONNECTION_LOST,
    "fin-early": Cause.CONNECTION_LOST,
    "garbage-status-line": Cause.INVALID_ANSWER,
    "huge-headers": Cause.INVALID_ANSWER,
    "gzip-bomb": Cause.INVALID_ANSWER,
    "broken-gzip": Cause.INVALID_ANSWER,
    "huge-event": Cause.INVALID_ANSWER,
    "cut": Cause.CONNECTION_LOST,
    "cut-clean": Cause.CONNECTION_LOST,
    "reset": Cause.CONNECTION_LOST,
    "error-event": Cause.OVERLOADED,
    "broken-event": Cause.INVALID_ANSWER,
}


@pytest.mark.parametrize("name", CAUSES)
def test_each_fault_has_its_cause(name: str, met: dict[tuple[str, str, str], Outcome]) -> None:
    """In both dialects, whole and streamed."""
    causes = {
        case: outcome.failure and outcome.failure.cause
        for case, outcome in met.items()
        if case[0] == name
    }

    assert causes == dict.fromkeys(causes, CAUSES[name])


def test_next_reply_after_an_over_long_one_is_clean() -> None:
    """Two hundred questions over connections that each got another's reply behind its own."""

    async def walk() -> list[Outcome]:
        with FaultyUpstream(seed=4) as upstream:
            settings = TargetSettings(model="fault:stale-reply", base_url=upstream.base_url)
            provider = build_provider("t", settings)
            outcomes = []
            for number in range(200):
                outcome = Outcome()
                await _ask(provider, call(QUESTION, stream=number % 2 == 1), outcome)
                outcomes.append(outcome)
            await provider.close()
        return outcomes

    began = time.monotonic()
    for outcome in asyncio.run(walk()):
        assert outcome.failure or outcome.whole, outcome
    assert time.monotonic() - began < LONG_S
