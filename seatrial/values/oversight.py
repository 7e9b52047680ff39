"""What oversight says of one answer, and what is kept of its proofs."""

from __future__ import annotations

import msgspec


class Advice(msgspec.Struct, frozen=True):
    """What shall become of one answer.

    Args:
        holds: whether a person must see it before it leaves.
        why: stable code, such as `unsure`; empty when nobody sees it.
        confidence: the calibrated probability that it is right; None when nothing is calibrated.
        mode: the oversight mode in force.
        share: the probability with which a person was to see it, in [0, 1].
        reviewed: whether a person sees it, before or after it leaves.
        blind: whether the draft is hidden from that person at first.
        reason: one sentence for the record and the person.
    """

    holds: bool
    why: str = ""
    confidence: float | None = None
    mode: str = ""
    share: float = 0.0
    reviewed: bool = False
    blind: bool = False
    reason: str = ""


class Proof(msgspec.Struct, frozen=True):
    """A calibration with its certificate, as it is stored.

    Args:
        id: unique.
        feature, release, segment: what it holds for; an empty segment is all traffic.
        made_at: wall clock, seconds.
        content: canonical JSON of the room `oversight`.
    """

    id: str
    feature: str
    release: str
    segment: str
    made_at: float
    content: str


class Standing(msgspec.Struct, frozen=True):
    """Where a feature's segment stands on the ladder, as it is stored.

    Args:
        feature, release, segment: whose.
        mode: `review_all`, `spot_check` or `exceptions`.
        sequence: of the last label that is in it; evidence is folded in once.
        content: canonical JSON of the room `oversight`.
        at: wall clock, seconds.
    """

    feature: str
    release: str
    segment: str
    mode: str
    sequence: int
    content: str
    at: float


class Moved(msgspec.Struct, frozen=True):
    """One move on the ladder, for ever.

    Args:
        id: time-ordered, unique.
        feature, release, segment: whose.
        before, after: the modes.
        at: wall clock, seconds.
        by: a person, or `evidence`.
        reason: one sentence.
        evidence: canonical JSON: the figures it rests on, and what was not proved.
    """

    id: str
    feature: str
    release: str
    segment: str
    before: str
    after: str
    at: float
    by: str
    reason: str
    evidence: str
