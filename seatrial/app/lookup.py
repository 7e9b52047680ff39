"""Looks up records for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from seatrial.errors import Misuse
from seatrial.ports import RecordQuery, Store
from seatrial.values.records import Record

AFTER_HEX: Final = "g"  # sorts behind every hexadecimal digit


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first.

    Args:
        records: those asked for.
        matching: how many there are in all, counted up to 10,000.
    """

    records: tuple[Record, ...]
    matching: int


def find_records(store: Store, **filters: Any) -> Page:
    """Return the newest matching records.

    Args:
        store: where they are.
        filters: as in `RecordQuery`.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    query = RecordQuery(**filters)
    return Page(tuple(store.records.find(query)), store.records.count(query))


def read_record(store: Store, id: str, *, tenant: str = "default") -> Record:
    """Return one record by its id, or by the beginning of its id when only one begins so.

    Raises:
        Misuse: there is none, or more than one.
        StoreUnavailable: the store cannot be read.
    """
    wanted = id.strip().lower()
    exact = store.records.get(wanted, tenant=tenant)
    if exact is not None:
        return exact
    # Ids sort by time: those with this beginning stand together.
    near = store.records.find(RecordQuery(tenant=tenant, before=wanted + AFTER_HEX, limit=2))
    found = [record for record in near if wanted and record.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Misuse(
            f"More than one record begins with {id!r}.",
            why=f"Among them {found[0].id} and {found[1].id}.",
            fix="Give more of the id.",
        )
    raise Misuse(
        f"There is no record {id!r}.",
        why="It is kept somewhere else, too old, or the id has a slip.",
        fix="List the newest with: seatrial records list",
    )
