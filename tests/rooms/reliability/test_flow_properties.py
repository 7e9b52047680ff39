"""What holds on every route, whatever comes of its attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.decide import WORDS, explain
from seatrial.reliability.flow import Attempt, Commit, Wait, answer_flow
from seatrial.reliability.routing import HANDLING, MIN_ATTEMPT_S, Handling
from seatrial.reliability.settings import Plan, Policy, RetrySettings, TargetRules, TimerSettings
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.decisions import Abandoned, Answered, HandedOff, Refused
from tests.rooms.reliability.walk import GOOD, THEIR_ERROR, UNSENT, Known, Walk

SHORT_S = 0.001  # what rounding may cost

called = st.builds(
    TargetRules,
    name=st.just(""),
    kind=st.sampled_from(["model", "python"]),
    timers=st.builds(
        TimerSettings,
        first_token_s=st.none() | st.floats(0.1, 60),
        gap_s=st.floats(0.1, 60),
        total_s=st.none() | st.floats(0.1, 60),
    ),
    retry=st.builds(RetrySettings, tries=st.integers(1, 5)),
)
last = st.sampled_from(["say", "human", None])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A route of up to six targets, perhaps with a cache, perhaps with a last word."""
    body = draw(st.lists(called | st.just(TargetRules("", kind="cache")), min_size=1, max_size=6))
    route = [
        TargetRules(f"{rules.kind}{tier}", rules.kind, rules.timers, rules.retry)
        for tier, rules in enumerate(body)
    ]
    ending = draw(last)
    if ending:
        route.append(TargetRules(ending, kind=ending))
    policy = Policy(
        on_refusal=draw(st.sampled_from(["return", "next", "hand_off"])),
        max_attempts=draw(st.integers(1, 6)),
    )
    return Plan("support", "r1", tuple(route), policy, "Later.")


def draw_result(data: st.DataObject, going: Walk, step: Attempt | Commit, stream: bool) -> Result:
    """Whatever may come of a step, at any moment of the time it had."""
    limit_s = step.timers.total_s if isinstance(step, Attempt) else 1.0
    at = going.now + data.draw(st.floats(0, 1)) * limit_s
    if isinstance(step, Commit):
        if data.draw(st.booleans()):
            return Result(at, answer=GOOD, sent=True)
        return Result(at, failure=Failure(Cause.GAP_TIMEOUT), cut=True, sent=True)
    if step.target.kind == "cache":
        if data.draw(st.booleans()):
            return Result(at, answer=Answer("Old.", age_s=1.0))
        return Result(at, failure=Failure(Cause.NOT_CACHED, sent=False))
    which = data.draw(st.sampled_from(["fail", "fail", "fail", "answer", "decline", "begin"]))
    if which == "answer" or (which == "begin" and not stream):
        return Result(at, answer=GOOD, sent=True)
    if which == "decline":
        return Result(at, answer=Answer(None, refusal="No."), sent=True)
    if which == "begin":
        return Result(at, began=True, refusing=data.draw(st.booleans()), sent=True)
    cause = data.draw(st.sampled_from(sorted(Cause, key=lambda cause: cause.value)))
    sent = cause not in UNSENT
    failure = Failure(
        cause,
        status=data.draw(st.none() | st.just(503)),
        error=data.draw(st.none() | st.just(THEIR_ERROR)),
        retry_after_s=data.draw(st.none() | st.floats(-1, 100)),
        sent=sent,
    )
    return Result(at, failure=failure, sent=sent)


@st.composite
def seconds_by_target(draw: st.DrawFn) -> dict[str, float]:
    """Learnt times of some of the targets."""
    names = [f"{kind}{tier}" for kind in ("model", "python") for tier in range(6)]
    return draw(st.dictionaries(st.sampled_from(names), st.floats(0.01, 30)))


@given(
    data=st.data(),
    plan=plans(),
    stream=st.booleans(),
    deadline=st.floats(0.01, 60),
    typical=seconds_by_target(),
    tail=seconds_by_target(),
    retries=st.integers(0, 3),
    coin=st.floats(0, 1, exclude_max=True),
)
def test_every_walk_ends_in_one_decision(
    data: st.DataObject,
    plan: Plan,
    stream: bool,
    deadline: float,
    typical: dict[str, float],
    tail: dict[str, float],
    retries: int,
    coin: float,
) -> None:
    """It ends; in one decision; within its attempts and its time; and stays with its words."""
    known = Known(typical, tail, retries)
    flow = answer_flow(
        plan, deadline=deadline, stream=stream, now=0.0, coin=lambda: coin, outlook=known
    )
    going = Walk(flow)
    results: list[tuple[Attempt | Commit, Result]] = []
    step = going.start()
    while step is not None:
        assert len(going.steps) < 100
        if isinstance(step, Wait):
            assert 0 <= step.seconds
            assert going.now + step.seconds < deadline
            step = going.send(Result(going.now + step.seconds))
            continue
        if isinstance(step, Attempt):
            check_attempt(step, going, plan, deadline)
        result = draw_result(data, going, step, stream)
        results.append((step, result))
        step = going.send(result)

    check_course(results, plan)
    check_decision(going, results, plan)


def check_attempt(step: Attempt, going: Walk, plan: Plan, deadline: float) -> None:
    """An attempt stays within the deadline, and is worth starting."""
    timers = step.timers
    left_s = max(0.0, deadline - going.now)
    assert timers.total_s <= left_s + SHORT_S
    assert max(timers.connect_s, timers.first_byte_s, timers.first_token_s) <= timers.total_s
    assert plan.route[step.tier] is step.target
    if step.target.kind != "cache" and step.target.timers.total_s is None:
        assert timers.total_s >= MIN_ATTEMPT_S


def check_course(results: list[tuple[Attempt | Commit, Result]], plan: Plan) -> None:
    """Attempts are bounded, tiers only rise, nothing follows a last word."""
    assert sum(result.sent for step, result in results if isinstance(step, Attempt)) <= (
        plan.policy.max_attempts
    )
    attempts = [step for step, _ in results if isinstance(step, Attempt)]
    unforced = [step.tier for step in attempts if not step.force]
    assert sorted(unforced) == unforced
    assert [] == [step for step in attempts[:-1] if step.force], "forced once, and last"
    for index, (step, result) in enumerate(results):
        is_last = index == len(results) - 1
        if isinstance(step, Commit):
            assert is_last, "nothing follows a commit"
            assert results[index - 1][1].began
        final = result.failure is not None and HANDLING[result.failure.cause] is Handling.FINAL
        if final and not (
            result.failure.cause is Cause.POLICY and plan.policy.on_refusal == "next"
        ):
            assert is_last, "the caller must hear it"
        if result.answer is not None and not result.answer.refused:
            assert is_last, "an answer is the end"


def check_decision(going: Walk, results: list[tuple[Attempt | Commit, Result]], plan: Plan) -> None:
    """The decision tells the truth about what came."""
    decision = going.decision
    latest = results[-1][1] if results else None
    match decision:
        case Answered(target="say"):
            assert plan.route[-1].kind == "say"
        case Answered(tier=tier):
            assert latest is not None
            assert decision.answer is latest.answer
            assert plan.route[tier].name == decision.target
            assert not latest.cut
        case HandedOff():
            assert plan.route[-1].kind == "human" or plan.policy.on_refusal == "hand_off"
        case Refused(cut=cut):
            assert cut == bool(latest and latest.cut)
            assert decision.message
            assert decision.retry_after_s is None or 0 <= decision.retry_after_s <= 60
        case Abandoned() | None:
            raise AssertionError("no decision")


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(list(Cause)))))
def test_explanation_has_one_clause_per_target(failures: list[tuple[str, Cause]]) -> None:
    """Each target that failed is named once, in the order of the route.

    It is named with its last failure that tells more than that no other try was made.
    """
    told = explain([(name, Failure(cause)) for name, cause in failures])

    mute = (Cause.NO_TIME, Cause.TRIED_ENOUGH)
    latest: dict[str, Cause] = {}
    for target in dict(failures):
        causes = [cause for name, cause in failures if name == target]
        latest[target] = next((each for each in reversed(causes) if each not in mute), causes[0])
    assert "; ".join(f"{name} {WORDS[cause]}" for name, cause in latest.items()) == told
