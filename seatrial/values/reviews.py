"""Items for people, and what people said."""

from __future__ import annotations

from enum import Enum

import msgspec


class RulingKind(Enum):
    """What a person may say of an item.  The values are stable: records and pages hold them."""

    APPROVE = "approve"  # the draft is right as it stands
    EDIT = "edit"  # right after a change
    REPLACE = "replace"  # wrong; this is the answer
    REJECT = "reject"  # wrong, and nothing goes out in its place
    PASS_ON = "pass_on"  # somebody else must say


class ReviewAsk(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a record asks of people; the item is made when the record reaches the store.

    Args:
        queue: whose turn it is.
        why: stable code: `review_all`, `not_certified`, `unsure`, `spot_check`, `check`,
            `no_target_left`, `route`.
        due_at: wall clock, seconds: then it goes on to the next queue.
        waits: whether the caller has no answer yet.
        blind: whether the draft is hidden until the person has answered.
        reviewers: how many people must rule.
        segment: of the traffic, by the feature's own metadata; empty for all.
        topic, language: as far as they are known.
        reason: one sentence for the person.
    """

    queue: str
    why: str
    due_at: float
    waits: bool = False
    blind: bool = False
    reviewers: int = 1
    segment: str = ""
    topic: str = ""
    language: str = ""
    reason: str = ""


class Ruling(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one person said of one item.

    Args:
        kind: one of `RulingKind`.
        by: who.
        at: wall clock, seconds.
        text: the answer as it shall go out; absent for approve, reject and pass on.
        tags: reasons, such as `fact`, `tone`, `omission`, `policy`.
        note: for colleagues, never for the caller.
        seconds: how long the person looked at it.
        blind: whether the draft was hidden.
        changed: what differs from the draft, by sort; see `oversight.rulings`.
        to: for pass on, the queue.
    """

    kind: RulingKind
    by: str
    at: float
    text: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0
    blind: bool = False
    changed: dict[str, list[str]] = {}
    to: str = ""


class Seat(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reviewer's place at an item.

    Args:
        number: from 0.
        holder: who claimed it; empty when it is free.
        until: wall clock, seconds: end of the claim's lease.
        ruling: what was said; absent while it is open.
        final_at: until then the ruling may be taken back.
    """

    number: int
    holder: str = ""
    until: float = 0.0
    ruling: Ruling | None = None
    final_at: float = 0.0


class Review(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item as it stands.  Its id is its record's: one item for one request.

    Args:
        id, tenant, feature, release: of the record.
        ask: what is asked, and of which queue now.
        created_at: wall clock, seconds.
        state: `open`, or `settled` once the ruling that counts is final.
        seats: as many as reviewers are wanted.
        settled: the ruling that counts.
        settled_at: wall clock, seconds.
        confidence: of the draft, in [0, 1]; absent when it is not known.
        notes: of those who passed it on, oldest first, each with its author.
        escalations: how often its time ran out.
    """

    id: str
    tenant: str
    feature: str
    release: str
    ask: ReviewAsk
    created_at: float
    state: str = "open"
    seats: tuple[Seat, ...] = ()
    settled: Ruling | None = None
    settled_at: float = 0.0
    confidence: float | None = None
    notes: tuple[tuple[str, str], ...] = ()
    escalations: int = 0


class ReviewQuery(msgspec.Struct, frozen=True):
    """What items to list: those due first, in keyset pages.

    Args:
        tenant: whose.
        queues: those of these queues; empty for all.
        feature, state, holder, why: filters, each optional.
        after: `(due_at, id)` of the last one seen.
        limit: at most 1,000.
    """

    tenant: str = "default"
    queues: tuple[str, ...] = ()
    feature: str = ""
    state: str = "open"
    holder: str = ""
    why: str = ""
    after: tuple[float, str] | None = None
    limit: int = 50


class QueueLoad(msgspec.Struct, frozen=True):
    """How much waits in one queue.

    Args:
        queue: its name.
        open: items not settled.
        claimed: of those, the ones somebody works on.
        waiting: of those, the ones a caller waits for.
        overdue: of those, the ones whose time ran out.
        oldest_at: wall clock, seconds, of the oldest; 0.0 when it is empty.
    """

    queue: str
    open: int = 0
    claimed: int = 0
    waiting: int = 0
    overdue: int = 0
    oldest_at: float = 0.0
