"""What a request takes from its limits, and what the caller hears when nothing is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.ports import Ask, Short
from seatrial.reliability.limits import (
    DAY_S,
    LONGEST_WAIT_S,
    LimitSettings,
    TargetLimits,
    UsualOutput,
    asks_for,
    asks_of_target,
    expected_tokens,
    rate_headers,
    refusal,
    settled,
    tokens_of,
    used_up,
)
from seatrial.values.attempts import Cause
from seatrial.values.chat import Usage
from seatrial.values.requests import Caller

ANN = Caller(key_id="k1", user="ann@example.org")
NOON = 1_790_000_000.0 // DAY_S * DAY_S + DAY_S / 2
ALL = LimitSettings(*range(1, 13))


def test_tokens_are_only_looked_at_where_they_are_limited() -> None:
    """To estimate them takes a look at every text."""
    assert not LimitSettings().counts_tokens
    assert not LimitSettings(requests_minute=1, user_requests_day=1).counts_tokens
    assert LimitSettings(requests_minute=1, user_tokens_day=1).counts_tokens


def test_a_feature_without_limits_asks_nothing() -> None:
    """No setting, no account, no cost."""
    assert [] == asks_for(LimitSettings(), ANN, "support", 10, NOON)


def test_every_limit_has_an_account_of_its_own() -> None:
    """Twelve settings make twelve asks, each with its ceiling, days before minutes."""
    asks = asks_for(ALL, ANN, "support", 70, NOON)

    assert 12 == len({ask.account for ask in asks})
    assert sorted(range(1, 13)) == sorted(ask.ceiling for ask in asks)
    assert [None] * 6 + [60.0] * 6 == [ask.refill_s for ask in asks]
    assert {1, 70} == {ask.amount for ask in asks}
    assert {NOON + DAY_S / 2, None} == {ask.ends_at for ask in asks}


def test_callers_without_key_and_user_only_count_for_the_feature() -> None:
    """A limit of keys says nothing about callers who have none."""
    assert 4 == len(asks_for(ALL, Caller(), "support", 70, NOON))
    assert 8 == len(asks_for(ALL, Caller(key_id="k1"), "support", 70, NOON))


def test_a_users_name_leaves_no_trace_in_an_account() -> None:
    """Accounts may be shared between machines: they hold a digest, of bounded length."""
    named = asks_for(ALL, Caller(user="ann@example.org" * 1000), "support", 1, NOON)

    assert not any("ann" in ask.account for ask in named)
    assert max(len(ask.account) for ask in named) < 100


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["default", "acme"]),
            st.sampled_from(["", "k1", "k2"]),
            st.text(max_size=3),
            st.sampled_from(["a", "b"]),
        ),
        unique=True,
        max_size=20,
    )
)
def test_no_two_owners_share_an_account(who: list[tuple[str, str, str, str]]) -> None:
    """Whatever a caller calls itself, it meets nobody else's account."""
    seen: dict[str, object] = {}
    for tenant, key, user, feature in who:
        caller = Caller(tenant, key, user)
        for ask in asks_for(ALL, caller, feature, 1, NOON):
            kind = ask.ceiling
            owner = (tenant, feature, kind, key if kind in range(5, 9) else "")
            owner += (user if kind in range(9, 13) else "",)
            assert seen.setdefault(ask.account, owner) == owner


def test_a_day_is_a_new_account() -> None:
    """What was used yesterday is not counted today."""
    settings = LimitSettings(requests_day=5)
    today = asks_for(settings, ANN, "support", 1, NOON)[0]
    last = asks_for(settings, ANN, "support", 1, NOON + DAY_S / 2 - 1)[0]
    tomorrow = asks_for(settings, ANN, "support", 1, NOON + DAY_S / 2)[0]

    assert today == last
    assert today.account != tomorrow.account
    assert (today.ends_at or 0) + DAY_S == tomorrow.ends_at


def test_a_providers_grant_is_counted_per_outlet() -> None:
    """Each key of a target has what the provider grants; what never fits passes alone."""
    limits = TargetLimits(requests_minute=10, tokens_minute=500)

    asks = asks_of_target(limits, "large", 1, 800)

    assert [1, 500] == [ask.amount for ask in asks]
    assert [10, 500] == [ask.ceiling for ask in asks]
    two = asks_of_target(limits, "large", 2, 800)
    assert [(1, 20), (800, 1000)] == [(ask.amount, ask.ceiling) for ask in two]
    assert [] == asks_of_target(TargetLimits(), "large", 1, 800)


def test_a_grant_that_is_used_up_is_waited_for() -> None:
    """The attempt fails unsent, with the time after which another may be made."""
    failure = used_up(Short(0, 0, 4.5))

    assert (Cause.THROTTLED, 4.5, False) == (failure.cause, failure.retry_after_s, failure.sent)


def test_what_is_expected_follows_what_is_asked_and_what_is_usual() -> None:
    """The question's length, and an answer as they usually are, at most as long as asked for."""
    usual = UsualOutput()
    body = {"messages": [{"role": "user", "content": "x" * 400}]}
    assert 100 + 384 == expected_tokens(body, usual)
    assert 100 + 50 == expected_tokens({**body, "max_tokens": 50}, usual)
    for _ in range(200):
        usual.learn(20)
    assert 100 + 30 == pytest.approx(expected_tokens(body, usual), abs=1)
    assert 100 + 30 == pytest.approx(expected_tokens({**body, "max_tokens": 50}, usual), abs=1)
    assert 3 == expected_tokens({"input": ["four", "four more"]}, usual) - 1


def test_tokens_of_every_class_count() -> None:
    """Cached, written, reasoned: all are tokens; searches are none."""
    usage = Usage(input_tokens=1, cached_tokens=2, output_tokens=4, reasoning_tokens=8)

    assert 15 == tokens_of(usage)
    assert 0 == tokens_of(Usage(web_searches=3))


def test_tokens_are_settled_and_requests_stay() -> None:
    """A request is a request however short its answer was."""
    asks = asks_for(ALL, Caller(), "support", 70, NOON)

    assert [1, 33, 1, 33] == settled(asks, 33)


@pytest.mark.parametrize(
    ("caller", "whose"),
    [
        (Caller(), "this feature"),
        (Caller(key_id="k"), "your API key"),
        (Caller(user="u"), "this user"),
    ],
)
def test_a_full_minute_says_when_to_come_back(caller: Caller, whose: str) -> None:
    """At a limit per minute the caller learns whose it is and how long to wait."""
    asks = asks_for(ALL, caller, "support", 1, NOON)
    last = len(asks) - 2

    refused = refusal(asks, Short(last, 0, 12.3))

    assert ("rate_limited", 12.3) == (refused.code, refused.retry_after_s)
    assert whose in refused.message
    assert "in 13 s" in refused.message


@given(st.floats(min_value=0, max_value=1e9))
def test_no_wait_is_longer_than_clients_heed(wait_s: float) -> None:
    """A wait is above 0 and at most a minute."""
    asks = [Ask("requests:default:support:minute", 1, 5, refill_s=60.0)]

    retry_after_s = refusal(asks, Short(0, 0, wait_s)).retry_after_s

    assert retry_after_s is not None
    assert 0 < retry_after_s <= LONGEST_WAIT_S


def test_a_full_day_is_not_worth_a_second_try() -> None:
    """At a limit per day no wait is named: clients would burn their tries on it."""
    asks = asks_for(LimitSettings(requests_day=5), ANN, "support", 1, NOON)

    refused = refusal(asks, Short(0, 0))

    assert ("insufficient_quota", None) == (refused.code, refused.retry_after_s)
    assert "for today (5)" in refused.message


def test_a_request_too_large_for_its_minute_is_told_so() -> None:
    """What can never fit is not asked to wait."""
    asks = asks_for(LimitSettings(tokens_minute=500), ANN, "support", 800, NOON)

    refused = refusal(asks, Short(0, 500))

    assert ("insufficient_quota", None) == (refused.code, refused.retry_after_s)
    assert "800 tokens" in refused.message


def test_headers_speak_of_the_tightest_limit() -> None:
    """Of several limits the one with least left is shown; a unit without limit is not."""
    asks = asks_for(
        LimitSettings(requests_minute=60, requests_day=100, user_tokens_minute=1000),
        ANN,
        "support",
        10,
        NOON,
    )
    held = [98, 20, 10]

    shown = rate_headers(asks, held, NOON)

    assert {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "2",
        "x-ratelimit-reset-requests": "12h0m0s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "990",
        "x-ratelimit-reset-tokens": "600ms",
    } == shown
    assert {} == rate_headers([], [], NOON)


@pytest.mark.parametrize(("level", "span"), [(0, "0ms"), (30, "30s"), (120, "2m0s")])
def test_a_reset_is_written_as_openai_does(level: int, span: str) -> None:
    """Milliseconds, seconds, minutes; an account over its ceiling has nothing left."""
    asks = [Ask("requests:default:support:minute", 1, 60, refill_s=60.0)]

    shown = rate_headers(asks, [level], NOON)

    assert span == shown["x-ratelimit-reset-requests"]
    assert str(max(60 - level, 0)) == shown["x-ratelimit-remaining-requests"]
