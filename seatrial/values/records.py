"""The durable account of one request, as it is stored and exported.

Field names are part of the export format: add, never rename.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from seatrial.values.checks import CheckRecord
from seatrial.values.reviews import ReviewAsk


class AttemptRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of one target, or why it was not called.

    Args:
        target, tier, turn: which target, its place in the route, 0 for the first try.
        outlet: which address and key of the target.
        cause: why it gave no answer, one of the causes; empty when it answered.
        reason: one sentence on the cause, or on how a kept answer to another question was found.
        sent: whether the target was really called.
        started_s, took_s: from the request's start, and how long, in seconds.
        first_token_s: from the attempt's start; absent when none came.
        status: HTTP status, when one came.
        model: the model as served.
        usage: token classes and the raw report; see `values.chat.Usage`.
        purpose: why it was made beside the answer itself: `repair`, `judge`, `hedge`, `embed`
            or `shadow`; empty for the answer.
        cost_usd: what it cost; absent when that is unknown.
        price: which price list the cost rests on; empty when there was none.
    """

    target: str
    tier: int = 0
    turn: int = 0
    outlet: str = ""
    cause: str = ""
    reason: str = ""
    sent: bool = False
    started_s: float = 0.0
    took_s: float = 0.0
    first_token_s: float | None = None
    status: int | None = None
    model: str = ""
    usage: dict[str, Any] | None = None
    purpose: str = ""
    cost_usd: Decimal | None = None
    price: str = ""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything about one request.

    Args:
        id: time-ordered, unique; the caller's request id.
        feature, release, prompt_version, arm, unit: what decided the answer, and for whom.
        tenant, key_id, user, session, tags: who asked.
        call_site: where in the application a decorated function was called.
        started_at: wall clock, seconds since 1970, UTC.
        took_s, first_token_s: durations seen by the caller, in seconds.
        stream: whether the caller asked for pieces.
        decision: `answer`, `degraded`, `held`, `handed_off`, `refused` or `abandoned`.
        code: for `refused`, the stable code; else empty.
        reason: why a lower tier answered, or why it was refused.
        target, tier: who gave the answer.
        cut: True when a begun stream ended early; `sent_pieces` had left by then.
        cached_age_s: age of a cached answer.
        attempts: every attempt in order.
        input: the chat request in OpenAI's shape, as the caller sent it.
        output: the answer: `text`, `finish_reason`, `refusal`, `tool_calls`, `reasoning`.
        cache_key: under which the answer may be served again; empty when it may not.
        checks: every verdict in order.
        cost_usd: of all attempts whose cost is known.
        unpriced: how many attempts were sent and have no known cost.
        criticality: `interactive`, `default`, `batch` or `shadow`.
        metadata: the caller's own, as it came.
        confidence: the calibrated probability that the answer is right; absent when nothing is
            calibrated.
        signals: what it rests on, by name.
        oversight: the mode in force: `review_all`, `spot_check` or `exceptions`; empty without.
        label_share: the probability with which a person was to see it, in [0, 1].
        review: what is asked of people; absent when nothing is.
        flags: notes, such as `content_not_sealed` where a text could not be written.
    """

    id: str
    feature: str
    started_at: float
    decision: str
    release: str = ""
    prompt_version: str = ""
    arm: str = "stable"
    unit: str = ""
    tenant: str = "default"
    key_id: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()
    call_site: str = ""
    took_s: float = 0.0
    first_token_s: float | None = None
    stream: bool = False
    code: str = ""
    reason: str = ""
    target: str = ""
    tier: int = 0
    cut: bool = False
    sent_pieces: int = 0
    cached_age_s: float | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    input: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    cache_key: str = ""
    flags: tuple[str, ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    cost_usd: Decimal | None = None
    unpriced: int = 0
    criticality: str = "default"
    metadata: dict[str, str] = {}
    confidence: float | None = None
    signals: dict[str, float] = {}
    oversight: str = ""
    label_share: float = 0.0
    review: ReviewAsk | None = None


def outline(record: Record) -> Record:
    """Return what lists find a record by and what is booked of it; its content is left out.

    It is light: thousands may wait in memory beside their encodings.
    """
    attempts = []
    for attempt in record.attempts:
        if attempt.cause or attempt.sent:
            usage = attempt.usage
            if usage and "raw" in usage:  # the provider's own report
                usage = usage.copy()
                del usage["raw"]
                attempts.append(msgspec.structs.replace(attempt, usage=usage))
            else:
                attempts.append(attempt)
    return msgspec.structs.replace(record, attempts=tuple(attempts), input=None, output=None)
