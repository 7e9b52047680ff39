"""The plan of an answer, path by path."""

import pytest

from seatrial.reliability.flow import Attempt, Commit, Wait
from seatrial.reliability.settings import RetrySettings, TargetRules
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.decisions import Answered, HandedOff, Kind, Refused
from tests.rooms.reliability.walk import (
    CACHE,
    GOOD,
    HUMAN,
    LARGE,
    ONCE,
    RULES,
    SAY,
    SMALL,
    THEIR_ERROR,
    Known,
    answered,
    began,
    failed,
    plan_of,
    walk,
)

DECLINED = Answer(None, refusal="I cannot help with that.")


def test_first_target_answers() -> None:
    """One attempt, and the answer is the decision, with no reason to explain."""
    going = walk(plan_of(LARGE, SMALL), answered())

    assert ["large"] == going.called
    assert Answered(GOOD, "large", 0) == going.decision
    assert Kind.ANSWER is going.decision.kind


@pytest.mark.parametrize("cause", [Cause.OVERLOADED, Cause.FIRST_BYTE_TIMEOUT, Cause.KEY_REFUSED])
def test_hard_failure_falls_back_at_once(cause: Cause) -> None:
    """What another target can mend costs neither a wait nor a second try."""
    going = walk(plan_of(LARGE, SMALL), failed(cause), answered(0.2))

    assert [Attempt, Attempt] == [type(step) for step in going.steps]
    assert ["large", "small"] == going.called
    assert Kind.DEGRADED is going.decision.kind
    assert 1 == going.decision.tier


def test_degraded_answer_says_why() -> None:
    """The reason names each target passed by, with its last failure and status."""
    going = walk(
        plan_of(LARGE, RULES, SMALL),
        failed(Cause.OVERLOADED, status=529),
        failed(Cause.RAISED),
        answered(),
    )

    assert "large is overloaded (HTTP 529); rules raised an error" == going.decision.reason


def test_server_error_is_tried_again_here_after_a_jittered_wait() -> None:
    """A passing fault is tried again in place, once, before the next target is asked."""
    going = walk(
        plan_of(LARGE, SMALL),
        failed(Cause.SERVER_ERROR),
        failed(Cause.SERVER_ERROR, 0.3),
        answered(0.4),
        coin=0.5,
    )

    assert ["large", "large", "small"] == going.called
    assert [0, 1, 0] == [attempt.turn for attempt in going.attempts]
    assert Wait(0.5 * 0.15) == going.steps[1]
    assert Wait not in {type(step) for step in going.steps[2:]}


def test_never_sent_request_is_tried_again_free_and_at_once() -> None:
    """What never left us costs nobody anything: no wait, nothing from the budget."""
    known = Known(retries=0)
    going = walk(plan_of(LARGE, SMALL), failed(Cause.UNREACHABLE), answered(), known=known)

    assert ["large", "large"] == going.called
    assert [] == known.asked
    assert Kind.ANSWER is going.decision.kind


def test_free_try_is_had_once() -> None:
    """A target that stays unreachable is left after the free try."""
    unreachable = failed(Cause.UNREACHABLE)
    going = walk(plan_of(LARGE, SMALL), unreachable, unreachable, answered())

    assert ["large", "large", "small"] == going.called


def test_empty_budget_means_no_second_try() -> None:
    """In an outage the budget is spent: the request goes on to the next target."""
    known = Known(retries=0)
    going = walk(plan_of(LARGE, SMALL), failed(Cause.SERVER_ERROR), answered(), known=known)

    assert ["large", "small"] == going.called
    assert [("large", False)] == known.asked


def test_retry_after_a_timeout_is_paid_as_one() -> None:
    """The budget hears that the first try timed out, which costs more."""
    known = Known(retries=0)
    walk(plan_of(LARGE), failed(Cause.GAP_TIMEOUT), known=known)

    assert [("large", True)] == known.asked


def test_last_callable_target_is_tried_again_on_503() -> None:
    """Overload sends a request elsewhere; with nowhere to go it is tried again here."""
    going = walk(plan_of(SMALL, LARGE), failed(Cause.OVERLOADED), failed(Cause.OVERLOADED, 0.2))
    assert Wait is type(going.steps[2])
    going = walk(plan_of(LARGE, CACHE), failed(Cause.OVERLOADED, status=503), answered(0.5))

    assert ["large", "large"] == going.called
    assert Answered(GOOD, "large", 0) == going.decision


def test_retry_in_place_honours_retry_after() -> None:
    """The next try comes after the stated window, never on its edge, and with our jitter."""
    for coin, hint_s, wait_s in ((0.5, 3.0, 3.075), (0.0, 3.0, 3.01), (0.0, -2.0, 0.01)):
        limited = failed(Cause.RATE_LIMITED, 0.0, retry_after_s=hint_s)
        going = walk(plan_of(LARGE), limited, answered(3.1), coin=coin)

        assert Wait(wait_s) == going.steps[1]


def test_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    """Nobody waits for what cannot come in time; the caller learns when to come back."""
    going = walk(plan_of(LARGE), failed(Cause.RATE_LIMITED, 1.0, retry_after_s=9.5))

    assert ["large"] == going.called
    assert Kind.REFUSED is going.decision.kind
    assert ("throttled", 9.5) == (going.decision.code, going.decision.retry_after_s)


def test_number_of_attempts_is_bounded() -> None:
    """However long the route, a request causes no more than `max_attempts` calls."""
    route = plan_of(LARGE, SMALL, RULES, max_attempts=2)
    going = walk(route, failed(Cause.KEY_REFUSED), failed(Cause.KEY_REFUSED))

    assert ["large", "small"] == going.called
    assert "rules was left out: enough attempts were made" in going.decision.message


def test_retries_count_as_attempts() -> None:
    """A second try here is one less for the rest of the route."""
    down = failed(Cause.SERVER_ERROR)
    going = walk(plan_of(LARGE, SMALL, max_attempts=3), down, down, down)

    assert ["large", "large", "small"] == going.called


def test_retries_leave_an_attempt_for_each_target_behind() -> None:
    """Two failing targets do not use up the attempts of the third, which is well."""
    down = failed(Cause.SERVER_ERROR)
    going = walk(plan_of(LARGE, SMALL, RULES, max_attempts=4), down, down, down, answered())

    assert ["large", "large", "small", "rules"] == going.called
    assert "rules" == going.decision.target


def test_cache_answers_after_enough_attempts() -> None:
    """The bound is on calls of models; what is built in costs nobody anything."""
    old = Answer("As yesterday.", age_s=60.0)
    going = walk(
        plan_of(LARGE, CACHE, max_attempts=1), failed(Cause.SERVER_ERROR), Result(0.1, answer=old)
    )

    assert Answered(old, "cache", 1, "large failed") == going.decision


def test_deadline_too_short_for_any_attempt() -> None:
    """With less than a quarter of a second nothing is started, and the caller hears why."""
    going = walk(plan_of(LARGE, SMALL), deadline=0.2)

    assert [] == going.steps
    assert "deadline_exceeded" == going.decision.code


@pytest.mark.parametrize("stream", [False, True])
def test_hung_primary_leaves_time_for_the_fallback(stream: bool) -> None:
    """A primary that uses up its limit ends early enough for an answer within 0.6 deadlines."""
    for deadline in (2.0, 10.0, 60.0):
        going = walk(plan_of(LARGE, SMALL), stream=stream, deadline=deadline)
        limit_s = going.attempts[0].timers.total_s
        hung = failed(Cause.TOTAL_TIMEOUT, limit_s)

        going = walk(plan_of(LARGE, SMALL), hung, stream=stream, deadline=deadline)

        assert limit_s <= 0.5 * deadline
        assert "small" == going.called[-1]
        assert going.attempts[-1].timers.total_s >= 0.4 * deadline


def test_hung_primary_leaves_time_for_the_cache() -> None:
    """What is built in is asked even in the last moment: it answers at once."""
    going = walk(plan_of(LARGE, CACHE), deadline=10.0)
    limit_s = going.attempts[0].timers.total_s
    hung = failed(Cause.TOTAL_TIMEOUT, limit_s)

    assert 9.9 < limit_s < 10.0
    for late in (0.0, 0.3):
        result = failed(Cause.TOTAL_TIMEOUT, limit_s + late)
        going = walk(plan_of(LARGE, CACHE), result, Result(10.0, answer=GOOD), known=Known())
        assert Kind.DEGRADED is going.decision.kind
    assert 0.0 <= walk(plan_of(LARGE, CACHE), hung).attempts[-1].timers.total_s <= 0.051


@pytest.mark.parametrize(
    ("cause", "code"), [(Cause.BAD_REQUEST, "invalid_request"), (Cause.POLICY, "policy")]
)
def test_refusal_of_the_request_is_final(cause: Cause, code: str) -> None:
    """One attempt, no fallback, and the provider's own error reaches the caller."""
    going = walk(
        plan_of(LARGE, SMALL, SAY, say="Later."),
        failed(cause, status=400, error=THEIR_ERROR),
    )

    assert ["large"] == going.called
    told = Refused(code, THEIR_ERROR.message, status=400, error=THEIR_ERROR, target="large", tier=0)
    assert told == going.decision


def test_refusal_in_words_is_an_answer() -> None:
    """By default nothing is tried around a model that declines."""
    going = walk(plan_of(LARGE, SMALL), answered(answer=DECLINED))

    assert Answered(DECLINED, "large", 0) == going.decision


def test_refusal_in_a_stream_is_an_answer() -> None:
    """A declining stream is handed over like any other."""
    going = walk(
        plan_of(LARGE, SMALL),
        began(refusing=True),
        answered(0.5, DECLINED),
        stream=True,
    )

    assert [Attempt, Commit] == [type(step) for step in going.steps]
    assert Answered(DECLINED, "large", 0) == going.decision


@pytest.mark.parametrize("declining", [answered(answer=DECLINED), began(refusing=True)])
def test_refusal_may_lead_to_the_next_target(declining: Result) -> None:
    """With `next` another target is asked, before anything has left, whole or streamed."""
    going = walk(
        plan_of(LARGE, SMALL, on_refusal="next"), declining, answered(), stream=declining.began
    )

    assert [Attempt, Attempt] == [type(step) for step in going.steps]
    assert Answered(GOOD, "small", 1, "large declined to answer") == going.decision


@pytest.mark.parametrize("declining", [answered(answer=DECLINED), began(refusing=True)])
def test_refusal_may_lead_to_a_person(declining: Result) -> None:
    """With `hand_off` a person will answer, and the caller reads the feature's text."""
    plan = plan_of(LARGE, SMALL, on_refusal="hand_off", say="A colleague will write.")
    going = walk(plan, declining, stream=declining.began)

    expected = HandedOff("A colleague will write.", "human", 0, "large declined to answer")
    assert expected == going.decision


def test_policy_error_follows_on_refusal() -> None:
    """A provider that declines by an error declines all the same."""
    refused = failed(Cause.POLICY, error=THEIR_ERROR, status=400)

    onward = walk(plan_of(LARGE, SMALL, on_refusal="next"), refused, answered())
    handed = walk(plan_of(LARGE, SMALL, on_refusal="hand_off", say="Later."), refused)

    assert ["large", "small"] == onward.called
    assert Kind.HANDED_OFF is handed.decision.kind


def test_answer_without_refusal_needs_no_hand_off() -> None:
    """`hand_off` concerns refusals only."""
    going = walk(plan_of(LARGE, on_refusal="hand_off"), answered())

    assert Answered(GOOD, "large", 0) == going.decision


def test_say_is_the_last_word() -> None:
    """Fixed text needs no attempt, and is labelled with what failed before it."""
    going = walk(plan_of(LARGE, SAY, say="Please call us."), failed(Cause.KEY_REFUSED))

    expected = Answered(Answer("Please call us."), "say", 1, "large refused our key")
    assert expected == going.decision


def test_human_is_the_last_word() -> None:
    """A hand-off carries the feature's text and the reason."""
    going = walk(plan_of(LARGE, HUMAN, say="A colleague will write."), failed(Cause.KEY_REFUSED))

    expected = HandedOff("A colleague will write.", "human", 1, "large refused our key")
    assert expected == going.decision


def test_fixed_text_alone_answers() -> None:
    """A route of `say` alone is served from its first tier."""
    going = walk(plan_of(SAY, say="We are closed."))

    assert Answered(Answer("We are closed."), "say", 0) == going.decision


def test_all_resting_are_forced_once() -> None:
    """When every target rests, the one that failed longest ago is asked once more."""
    resting = failed(Cause.RESTING, 0.0, retry_after_s=4.0)
    known = Known(last_failures={"large": 2.0, "small": 1.0})
    going = walk(plan_of(LARGE, SMALL), resting, resting, answered(), known=known)

    assert ["large", "small", "small"] == going.called
    assert [False, False, True] == [attempt.force for attempt in going.attempts]
    assert ("small", 1) == (going.decision.target, going.decision.tier)


def test_forced_attempt_that_fails_is_the_end() -> None:
    """No second try and no other target follow it; the caller learns when rests end."""
    large = failed(Cause.RESTING, 0.0, retry_after_s=4.0)
    small = failed(Cause.RESTING, 0.0, retry_after_s=7.0)
    going = walk(plan_of(LARGE, SMALL), large, small, failed(Cause.SERVER_ERROR, 0.2))

    assert ["large", "small", "large"] == going.called
    assert ("no_target_left", 7.0) == (going.decision.code, going.decision.retry_after_s)


def test_forced_attempt_was_forced_a_moment_ago() -> None:
    """A forced attempt may be refused as well, and then nothing was sent at all."""
    resting = failed(Cause.RESTING, 0.0, retry_after_s=4.0)
    going = walk(plan_of(LARGE), resting, resting)

    assert 2 == len(going.steps)
    assert 4.0 == going.decision.retry_after_s


@pytest.mark.parametrize(
    ("cause", "on_refusal", "code"),
    [
        (Cause.BAD_REQUEST, "return", "invalid_request"),
        (Cause.POLICY, "return", "policy"),
        (Cause.POLICY, "next", "no_target_left"),
    ],
)
def test_forced_attempt_may_be_refused_for_good(cause: Cause, on_refusal: str, code: str) -> None:
    """What the caller must hear reaches them from a forced attempt too."""
    resting = failed(Cause.RESTING, 0.0)
    refused = failed(cause, error=THEIR_ERROR, status=400)
    going = walk(plan_of(LARGE, on_refusal=on_refusal), resting, refused)

    assert code == going.decision.code


def test_forced_attempt_may_hand_off() -> None:
    """A policy error of a forced attempt still goes to a person where the feature says so."""
    resting = failed(Cause.RESTING, 0.0)
    going = walk(plan_of(LARGE, on_refusal="hand_off", say="Later."), resting, failed(Cause.POLICY))

    assert Kind.HANDED_OFF is going.decision.kind


def test_forced_stream_is_committed() -> None:
    """A forced attempt that streams is handed over like any other."""
    going = walk(plan_of(LARGE), failed(Cause.RESTING, 0.0), began(), answered(0.5), stream=True)

    assert [Attempt, Attempt, Commit] == [type(step) for step in going.steps]
    assert Answered(GOOD, "large", 0) == going.decision


def test_nothing_is_forced_without_time() -> None:
    """A forced attempt needs time like any other."""
    going = walk(plan_of(LARGE, SMALL), failed(Cause.RESTING, 9.9))

    assert ["large"] == going.called


def test_nothing_is_forced_after_a_real_attempt() -> None:
    """One real attempt was the probe: resting targets stay at rest."""
    going = walk(plan_of(LARGE, SMALL), failed(Cause.RESTING, 0.0), failed(Cause.KEY_REFUSED))

    assert ["large", "small"] == going.called


def test_all_throttled_tells_the_smallest_wait() -> None:
    """Nothing is sent inside a window, not even by force; the caller hears when to come back."""
    going = walk(
        plan_of(LARGE, SMALL),
        failed(Cause.THROTTLED, 0.0, retry_after_s=30.0),
        failed(Cause.THROTTLED, 0.0, retry_after_s=12.0),
    )

    assert ["large", "small"] == going.called
    assert ("throttled", 12.0) == (going.decision.code, going.decision.retry_after_s)


def test_stream_is_committed_before_it_is_the_answer() -> None:
    """The plan hands a begun stream over, and the decision waits for its end."""
    going = walk(plan_of(LARGE, SMALL), began(), answered(2.0), stream=True)

    assert [Attempt, Commit] == [type(step) for step in going.steps]
    assert Answered(GOOD, "large", 0) == going.decision


def test_stream_that_breaks_after_the_commit_ends_honestly() -> None:
    """No other target continues a begun answer: it is cut, and says so."""
    lost = Result(2.0, failure=Failure(Cause.CONNECTION_LOST), cut=True, sent=True, sent_pieces=3)
    going = walk(plan_of(LARGE, SMALL, SAY, say="Later."), began(), lost, stream=True)

    assert [Attempt, Commit] == [type(step) for step in going.steps]
    assert Refused is type(going.decision)
    assert ("stream_cut", True) == (going.decision.code, going.decision.cut)
    assert "large broke the connection" in going.decision.message


def test_stream_from_a_lower_tier_is_degraded() -> None:
    """The label and its reason come with streams as well."""
    going = walk(plan_of(LARGE, SMALL), failed(Cause.KEY_REFUSED), began(), answered(), stream=True)

    assert Answered(GOOD, "small", 1, "large refused our key") == going.decision


def test_whole_answer_may_come_from_a_streaming_call() -> None:
    """A target that cannot stream gives it whole, and nothing is committed."""
    going = walk(plan_of(LARGE), answered(), stream=True)

    assert Answered(GOOD, "large", 0) == going.decision


def test_cached_answer_is_degraded_with_its_age() -> None:
    """A hit down the chain is labelled, and tells how old it is."""
    old = Answer("As yesterday.", age_s=86_400.0)
    going = walk(plan_of(LARGE, CACHE), failed(Cause.KEY_REFUSED), Result(0.1, answer=old))

    assert Kind.DEGRADED is going.decision.kind
    assert 86_400.0 == going.decision.answer.age_s
    assert "cache" == going.decision.target


def test_missing_cached_answer_goes_on() -> None:
    """An empty cache is no failure of anybody's; what follows it is asked."""
    going = walk(
        plan_of(LARGE, CACHE, SAY, say="Later."),
        failed(Cause.KEY_REFUSED),
        failed(Cause.NOT_CACHED),
    )

    assert "say" == going.decision.target


def test_result_with_nothing_in_it_is_no_answer() -> None:
    """An empty result counts as an invalid answer."""
    going = walk(plan_of(LARGE.__class__("large", retry=ONCE)), Result(0.1, sent=True))

    assert "large gave no valid answer" in going.decision.message


def test_tries_of_one_target_are_as_configured() -> None:
    """`tries` counts the first; the waits double."""
    patient = LARGE.__class__("large", retry=RetrySettings(tries=3, base_s=1.0, cap_s=9.0))
    down = failed(Cause.SERVER_ERROR, 0.0)
    going = walk(plan_of(patient), down, down, down, coin=0.5)

    assert ["large"] * 3 == going.called
    assert [Wait(0.5), Wait(1.0)] == [step for step in going.steps if isinstance(step, Wait)]


@pytest.mark.parametrize(
    ("route", "lone"), [((LARGE,), True), ((LARGE, CACHE, SAY), True), ((LARGE, SMALL), False)]
)
def test_attempt_tells_whether_the_target_is_alone(
    route: tuple[TargetRules, ...], lone: bool
) -> None:
    """Built-in targets are no company: only another model or function can take over."""
    going = walk(plan_of(*route, say="Later."), answered())

    assert lone is going.steps[0].lone
