"""What turned out to be true of an answer, and who says so."""

from __future__ import annotations

from enum import Enum

import msgspec


class Source(Enum):
    """Who says so.  Truth and judges' opinions are never mixed."""

    PERSON = "person"  # a reviewer
    SYSTEM = "system"  # a business system
    USER = "user"  # whoever read the answer
    JUDGE = "judge"  # a model
    RULE = "rule"  # a check of ours or yours


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outcome of one request; several may come, late and in any order.

    Args:
        id: unique; the same id twice is the same outcome.
        record_id: of the request.
        kind: `verdict` (right or wrong), `thumbs`, `accepted`, `completed`, `escalated`, `label`
            (the right value) or `comment`.
        source: who says so.
        at: when it became true, wall clock, seconds.
        tenant, feature: of the request.
        wrong: whether the answer was wrong, as the feature's `error_rate` counts; absent when
            this outcome does not say.
        value: `up` or `down`, `yes` or `no`, or the right label.
        text: free words; data, never instructions.
        by: a person, a key or a system.
        received_at: when it came, wall clock, seconds.
        blind: whether the person had not seen the draft.
    """

    id: str
    record_id: str
    kind: str
    source: Source
    at: float
    tenant: str = "default"
    feature: str = ""
    wrong: bool | None = None
    value: str = ""
    text: str = ""
    by: str = ""
    received_at: float = 0.0
    blind: bool = False


class OutcomeQuery(msgspec.Struct, frozen=True):
    """Which outcomes to list, newest first.

    Args:
        tenant: whose.
        feature, kind, record_id: filters, each optional.
        source: one of the values of `Source`; empty for all.
        since, until: by `at`, wall clock, seconds; `until` exclusive.
        before: an id of the page before; only older ones.
        limit: at most 1,000.
    """

    tenant: str = "default"
    feature: str = ""
    kind: str = ""
    record_id: str = ""
    source: str = ""
    since: float | None = None
    until: float | None = None
    before: str = ""
    limit: int = 50


class Labelled(msgspec.Struct, frozen=True):
    """An answer of which it is known whether it was wrong: what evidence is made of.

    Args:
        sequence: grows with each outcome as it is stored; where to go on from.
        record_id, feature, release, segment: of the request.
        asked_at: when the request came, wall clock, seconds.
        decision: what the caller got: `held` and `handed_off` labels cost nothing.
        why: why a person saw it; empty when none was asked.
        wrong: whether the answer, or the draft, was wrong.
        source: who says so.
        blind: whether the person had not seen the draft.
        confidence: as it was then; absent when there was none.
        signals: by name, as they were then.
        share: the probability with which it was chosen for labelling, in (0, 1].
    """

    sequence: int
    record_id: str
    feature: str
    release: str
    segment: str
    asked_at: float
    decision: str
    why: str
    wrong: bool
    source: Source
    blind: bool = False
    confidence: float | None = None
    signals: dict[str, float] = {}
    share: float = 1.0
