"""The one encoding of records."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.values.records import AttemptRecord, Record
from seatrial.values.sealing import seal, unseal

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
records = st.builds(
    Record,
    id=st.text(min_size=1),
    feature=st.text(),
    started_at=st.floats(0, 1e10),
    decision=st.sampled_from(["answer", "refused"]),
    tags=st.lists(st.text(), max_size=3).map(tuple),
    attempts=st.lists(
        st.builds(AttemptRecord, target=st.text(), status=st.none() | st.integers(100, 599)),
        max_size=3,
    ).map(tuple),
    input=st.none() | st.dictionaries(st.text(), json_values, max_size=3),
    output=st.none() | st.dictionaries(st.text(), json_values, max_size=3),
)


@given(records)
def test_record_comes_back_as_it_was(record: Record) -> None:
    """Whatever was asked and said."""
    assert record == unseal(seal(record))


def test_odd_objects_are_written_as_people_read_them() -> None:
    """What a Python function was called with may be anything."""
    record = Record("r", "f", 1.0, "answer", input={"args": [1 + 2j, {3}]})

    assert {"args": ["(1+2j)", [3]]} == unseal(seal(record)).input


@pytest.mark.parametrize("blob", [b"", b"\xc1", b"\x80", b"not a record"])
def test_anything_else_is_no_record(blob: bytes) -> None:
    """A torn or foreign piece is found out."""
    with pytest.raises(msgspec.DecodeError):
        unseal(blob)
