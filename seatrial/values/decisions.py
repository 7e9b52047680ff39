"""What the caller gets: one closed set, as `docs/glossary.md` names it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from seatrial.values.attempts import ErrorBody
from seatrial.values.chat import Answer, Piece


class Kind(Enum):
    """The decisions.  The values are stable: headers, records and metrics hold them."""

    ANSWER = "answer"
    DEGRADED = "degraded"
    HELD = "held"
    HANDED_OFF = "handed_off"
    REFUSED = "refused"
    ABANDONED = "abandoned"


class Answered(msgspec.Struct, frozen=True):
    """A target answered; from a tier below the first it is labelled degraded.

    Args:
        answer: what it said.
        target: which target.
        tier: its place in the route, 0 is the first.
        reason: why a lower tier answered; empty for the first.
    """

    answer: Answer
    target: str
    tier: int
    reason: str = ""

    @property
    def kind(self) -> Kind:
        """`answer` from the first tier, `degraded` from any other."""
        return Kind.DEGRADED if self.tier else Kind.ANSWER


class HandedOff(msgspec.Struct, frozen=True):
    """A person will answer; the caller reads `text` meanwhile.

    Args:
        text: what the caller reads.
        target, tier: where on the route it came to that.
        reason: one sentence for the record.
        draft: what a target said, which a person must see before it may leave.
        why: stable code, such as `unsure`; see `values.reviews.ReviewAsk`.
    """

    text: str
    target: str = "human"
    tier: int = 0
    reason: str = ""
    draft: Answer | None = None
    why: str = ""

    @property
    def kind(self) -> Kind:
        """`held` while there is a draft, else `handed_off`."""
        return Kind.HANDED_OFF if self.draft is None else Kind.HELD


class Refused(msgspec.Struct, frozen=True):
    """An explicit error.

    Args:
        code: stable; `gateway/faults.py` maps it to HTTP.
        message: what happened, why and what to do, for the caller.
        status: the provider's HTTP status, when its own error is passed on.
        error: the provider's own error, when the caller must see it.
        retry_after_s: when to come back, in seconds; None when it makes no difference.
        cut: True when a stream had begun and could not be finished.
    """

    code: str
    message: str
    status: int | None = None
    error: ErrorBody | None = None
    retry_after_s: float | None = None
    cut: bool = False
    target: str = ""
    tier: int = 0

    @property
    def kind(self) -> Kind:
        """Always `refused`."""
        return Kind.REFUSED


class Abandoned(msgspec.Struct, frozen=True):
    """The caller left first."""

    @property
    def kind(self) -> Kind:
        """Always `abandoned`."""
        return Kind.ABANDONED


Decision = Answered | HandedOff | Refused | Abandoned


class Head(msgspec.Struct, frozen=True):
    """What is known of an answer when its first piece may leave.

    Args:
        record_id: of the record that will be written.
        release: which decides the answer.
        kind: the decision as far as it is known.
        target, tier: who answers.
        model: as served; may be empty.
        rate: what the caller's limits leave, as `x-ratelimit-…` headers; empty without limits.
    """

    record_id: str
    release: str
    kind: Kind
    target: str = ""
    tier: int = 0
    model: str = ""
    rate: Mapping[str, str] = {}


class Settled(msgspec.Struct, frozen=True):
    """A request with its decision made and its record durable: the last byte may leave.

    Args:
        head: the final labels.
        decision: what the caller gets.
        began: True when pieces have left through the sink already.
        tail: the pieces that waited for the record: the finish and the usage.
        durable: False when neither journal nor store took the record in time.
        kept: the decision as it may be stored, where that is not `decision`: with marks in the
            place of personal data.
        marks: what marks in it stand for, where the caller gets that back; never stored.
        replayed: True when this is the result of an earlier request with the same key.
        created: of a replayed result, the Unix time that its answer names.
        let_in: False for a request that was refused before it began: it has no record.
    """

    head: Head
    decision: Decision
    began: bool = False
    tail: tuple[Piece, ...] = ()
    durable: bool = True
    kept: Decision | None = None
    marks: Mapping[str, str] = {}
    replayed: bool = False
    created: int = 0
    let_in: bool = True
