"""Which results stand for their twins, how they are kept, and what is said where none does."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from seatrial.values.chat import Answer
from seatrial.values.decisions import (
    Abandoned,
    Answered,
    Decision,
    HandedOff,
    Head,
    Refused,
    Settled,
)
from seatrial.values.requests import Request

KEEP_DAYS: Final = 2.0
"""How long a result stands for its twins, at least; a day is promised."""
GRACE_S: Final = 2.0
"""A claim outlives its request's deadline by so much."""
MAX_KEPT_BYTES: Final = 4 << 20
"""A larger result is not stored."""

# Nothing was carried out, or what was is not to count: the same key may be asked again.
NOT_FINAL: Final = frozenset(
    {
        "idempotency_key_reused",
        "idempotency_not_kept",
        "idempotency_running",
        "idempotency_unavailable",
        "budget_spent",
        "input_refused",
        "insufficient_quota",
        "missing_variable",
        "not_durable",
        "overloaded",
        "prompt_not_live",
        "rate_limited",
        "shutting_down",
        "throttled",
    }
)
_LONGEST_WAIT_S: Final = 5.0
_SHORTEST_WAIT_S: Final = 0.5


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A result as it is stored for its twins.

    Exactly one of `answered`, `handed_off` and `refused` is set; none where the result itself
    may not be stored, or cannot.

    Args:
        head: its labels, as the first caller got them.
        created: Unix time that its answer names.
        marked: whether marks stand in it for personal data of the request.
    """

    head: Head
    created: int = 0
    marked: bool = False
    answered: Answered | None = None
    handed_off: HandedOff | None = None
    refused: Refused | None = None

    @property
    def decision(self) -> Decision | None:
        """What the first caller got; None where that is not stored."""
        return self.answered or self.handed_off or self.refused


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode


def place_of(request: Request) -> str:
    """Return what a request's key is known by: a digest of it, its tenant and its feature.

    The key itself is nowhere stored: callers write anything into it.
    """
    caller = request.caller
    parts = [caller.tenant, caller.key_scope, request.feature, request.idempotency_key]
    return sha256(msgspec.json.encode(parts)).hexdigest()


def is_final(decision: Decision) -> bool:
    """Whether a decision stands for its twins, errors of the server included."""
    if isinstance(decision, Refused):
        return decision.code not in NOT_FINAL
    return not isinstance(decision, Abandoned)


def pack(settled: Settled, *, created: int, keep_content: bool) -> tuple[bytes, bool]:
    """Return a result as it is stored, and whether it can be replayed from that.

    Args:
        settled: what the first caller got.
        created: Unix time that its answer names.
        keep_content: whether the service keeps what was answered; errors are kept all the same.
    """
    decision = settled.kept or settled.decision
    bare = Kept(settled.head, created)
    whole = msgspec.structs.replace(
        bare,
        marked=bool(settled.marks),
        answered=decision if isinstance(decision, Answered) else None,
        handed_off=decision if isinstance(decision, HandedOff) else None,
        refused=decision if isinstance(decision, Refused) else None,
    )
    if keep_content or not isinstance(decision, Answered):
        packed = _packed(whole)
        if packed is not None:
            return packed, True
    return _encode(bare), False


def unpack(packed: bytes) -> Kept | None:
    """Return a stored result; None when it cannot be read any more."""
    try:
        return _decode(packed)
    except msgspec.MsgspecError:
        return None


def _packed(kept: Kept) -> bytes | None:
    """Return a result's encoding; None when it is too large or would not come back as it was."""
    try:
        packed = _encode(kept)
        # What a Python function returned may be anything: a set, an object, a tuple.
        same = len(packed) <= MAX_KEPT_BYTES and _decode(packed) == kept
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return packed if same else None


def size_of(settled: Settled) -> int:
    """Return about how many bytes of memory a result takes, at least those of its texts."""
    decision = settled.decision
    if not isinstance(decision, Answered):
        return 1_000
    answer: Answer = decision.answer
    texts = (answer.text, answer.refusal, answer.reasoning)
    calls = sum(len(call.arguments) for call in answer.tool_calls)
    vectors = sum(map(len, answer.vectors))
    return 1_000 + sum(len(text or "") for text in texts) + len(answer.body) + calls + vectors


# --- what is said where nothing can be replayed --------------------------------------------


def reused() -> Refused:
    """Return the error for a key under which something else was asked."""
    return Refused(
        "idempotency_key_reused",
        "This idempotency key was used for another request. Send the same body again, or "
        "another key.",
    )


def running(left_s: float) -> Refused:
    """Return the error for a key whose first request is still being answered.

    Args:
        left_s: until the first request is given up at the latest, in seconds.
    """
    return Refused(
        "idempotency_running",
        "The first request with this idempotency key is still being answered. Ask again "
        "shortly, with the same key.",
        retry_after_s=min(_LONGEST_WAIT_S, max(_SHORTEST_WAIT_S, left_s)),
    )


def unavailable() -> Refused:
    """Return the error for a key that cannot be looked up now."""
    return Refused(
        "idempotency_unavailable",
        "The store is away, so nobody can tell whether this idempotency key was used. Ask "
        "again shortly.",
        retry_after_s=2.0,
    )


def not_kept(record_id: str) -> Refused:
    """Return the error for a key whose result is known to have left, and was not stored."""
    return Refused(
        "idempotency_not_kept",
        f"This request was answered, and its answer is not kept here: see record "
        f"{record_id}. Send another key to have it answered anew.",
    )
