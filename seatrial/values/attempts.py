"""One call of one target: what was allowed, and what came of it."""

from __future__ import annotations

from enum import Enum

import msgspec

from seatrial.values.chat import Answer, Usage
from seatrial.values.checks import Verdict


class Cause(Enum):
    """Why an attempt gave no answer.  The values are stable: records and metrics hold them."""

    __hash__ = object.__hash__  # as members are single; Enum's own is slow

    # Refused by us, nothing was sent.
    RESTING = "resting"  # the breaker is open
    THROTTLED = "throttled"  # inside a window the provider asked us to keep
    POOL_FULL = "pool_full"  # the target's pool has no place
    QUARANTINED = "quarantined"  # the provider refused this key a moment ago
    SHED = "shed"  # the adaptive throttle spares an overloaded server
    NO_TIME = "no_time"  # too little of the deadline was left
    TRIED_ENOUGH = "tried_enough"  # the request had all the attempts it may have
    NOT_CACHED = "not_cached"  # no good answer to this input is kept
    SPARED = "spared"  # the month's forecast passes its budget: what matters less goes cheaper
    OVER_BUDGET = "over_budget"  # its worst case does not fit into what may still be spent
    # The connection.
    UNREACHABLE = "unreachable"  # refused, no such name, TLS: nothing was sent
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_LOST = "connection_lost"
    # Time.
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    GAP_TIMEOUT = "gap_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    TOO_SLOW = "too_slow"  # below the throughput floor before the commit
    # The other side said no.
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    TARGET_GONE = "target_gone"
    BAD_REQUEST = "bad_request"
    POLICY = "policy"
    # What came is no answer.
    INVALID_ANSWER = "invalid_answer"
    NO_ANSWER = "no_answer"  # a Python function said that it has none to this: it returned None
    REFUSED = "refused"  # a refusal, where the feature says to go on
    CHECK_FAILED = "check_failed"  # a valid answer that one of the feature's checks refused
    RAISED = "raised"  # a Python function raised
    OVERTAKEN = "overtaken"  # another target, asked besides, was faster
    CALLER_LEFT = "caller_left"
    SLOW_READER = "slow_reader"  # the caller had not taken a begun stream by the deadline


class ErrorBody(msgspec.Struct, frozen=True):
    """An error as OpenAI's clients read it."""

    message: str
    type: str = "api_error"
    param: str | None = None
    code: str | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt failed.

    Args:
        cause: the class that routing and breakers go by.
        reason: for the record, one sentence; never holds secrets or the caller's text.
        status: the HTTP status, when one came.
        error: the provider's own error, for callers who must see it (bad request, policy).
        retry_after_s: how long the provider asks us to stay away, in seconds.
        sent: False when the request cannot have reached the provider, so that a second
            try is free.
    """

    cause: Cause
    reason: str = ""
    status: int | None = None
    error: ErrorBody | None = None
    retry_after_s: float | None = None
    sent: bool = True


class Timers(msgspec.Struct, frozen=True):
    """The five limits of one attempt, each in seconds from its own start.

    Args:
        connect_s: until the connection stands.
        first_byte_s: from the start until the reply's headers.
        first_token_s: from the start until the first useful token.
        gap_s: between useful tokens.
        total_s: from the start until the whole answer; never beyond the deadline.
    """

    connect_s: float = 2.0
    first_byte_s: float = 10.0
    first_token_s: float = 15.0
    gap_s: float = 15.0
    total_s: float = 60.0


class Result(msgspec.Struct, frozen=True):
    """What came of a step of the plan.

    Args:
        at: when, on the monotonic clock, in seconds.
        answer: the whole answer, when there is one.
        began: True when a stream holds its first useful token and waits for the commit.
        refusing: True when what a begun stream says so far is a refusal.
        failure: why there is no answer.
        sent: whether the target was really called (a resting one was not).
        outlet: the address and key used, by its name in the records.
        first_token_s: from the attempt's start to the first useful token.
        usage: tokens reported, also by failed attempts.
        cut: True when the stream ended early after the commit.
        sent_pieces: events that had reached the caller.
        verdict: the strictest one, where checks were asked.
        hedged: True when it is that of the second target, which was asked besides.
    """

    at: float
    answer: Answer | None = None
    began: bool = False
    refusing: bool = False
    failure: Failure | None = None
    sent: bool = False
    outlet: str = ""
    first_token_s: float | None = None
    usage: Usage | None = None
    cut: bool = False
    sent_pieces: int = 0
    verdict: Verdict | None = None
    hedged: bool = False
