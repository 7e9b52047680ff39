"""Records that ask something of people, and what people then say: for the tests of stores."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.ports import Sealed
from seatrial.store import DurableStore
from seatrial.values.outcomes import Outcome, Source
from seatrial.values.records import Record, outline
from seatrial.values.reviews import Review, ReviewAsk, Ruling, RulingKind
from seatrial.values.sealing import seal

LEASE_S = 10.0
DUE_AT = 1_000.0


def name_of(number: int) -> str:
    """Return the id of the record, and item, of that number."""
    return f"rec_{number:08d}"


def asking(number: int, *, record: dict[str, Any] | None = None, **ask: Any) -> Record:
    """Make a record that asks something of people; larger numbers are newer."""
    wanted = msgspec.structs.replace(ReviewAsk("billing", "unsure", DUE_AT), **ask)
    plain = Record(name_of(number), "support", float(number), "held", release="r1", review=wanted)
    return msgspec.structs.replace(plain, **(record or {}))


def keep(store: DurableStore, *records: Record) -> int:
    """Add records as the engine does; return how many were new."""
    return store.records.add([Sealed(outline(each), seal(each)) for each in records])


def said(by: str, kind: str = "approve", at: float = 0.0, **more: Any) -> Ruling:
    """Make a ruling."""
    return Ruling(RulingKind(kind), by, at, **more)


def judged(number: int, *, wrong: bool | None = False, **more: Any) -> Outcome:
    """Make an outcome of the record of that number, with a name of its own."""
    plain = Outcome(f"out_{number:08d}", name_of(number), "verdict", Source.PERSON, 500.0)
    return msgspec.structs.replace(plain, wrong=wrong, feature="support", **more)


def claim(
    store: DurableStore, by: str, *, now: float = 100.0, tenant: str = "default", **more: Any
) -> Review | None:
    """Claim an item for the time of a lease."""
    return store.reviews.claim(tenant=tenant, by=by, now=now, lease_s=LEASE_S, **more)


def number_of(review: Review | None) -> int | None:
    """Return the number of an item; None when there is none."""
    return None if review is None else int(review.id[4:])


def rule(
    store: DurableStore, number: int, ruling: Ruling, *, now: float = 101.0, undo_s: float = 5.0
) -> Review:
    """Claim an item by its number and rule on it."""
    assert claim(store, ruling.by, now=now, id=name_of(number)) is not None
    ruled = store.reviews.rule(name_of(number), ruling, now=now, final_at=now + undo_s)
    assert ruled is not None
    return ruled


def get(store: DurableStore, number: int = 1) -> Review:
    """Return the item of that number as it stands."""
    found = store.reviews.get(name_of(number), tenant="default")
    assert found is not None
    return found
