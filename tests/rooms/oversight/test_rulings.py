"""Rulings say what their kind needs, and tell whether the draft was wrong."""

from __future__ import annotations

import math

import pytest

from seatrial.errors import BadRequest
from seatrial.oversight.rulings import MOST_NOTE, check_ruling, wrong_of
from seatrial.values.reviews import Ruling, RulingKind


def ruling(kind: str, **more: object) -> Ruling:
    """Make a ruling of a person."""
    return Ruling(RulingKind(kind), **{"by": "ann", "at": 5.0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "good",
    [
        ruling("approve"),
        ruling("edit", text="Hello", tags=("tone",), seconds=12.0),
        ruling("replace", text="Hello", blind=True),
        ruling("reject", note="spam"),
        ruling("pass_on", note="a legal question", to="legal"),
    ],
)
def test_good_rulings_pass(good: Ruling) -> None:
    """Each kind has a form that is taken."""
    check_ruling(good)


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        (ruling("approve", by=""), "by"),
        (ruling("edit"), "text"),
        (ruling("replace", text="  "), "text"),
        (ruling("approve", text="Hello"), "text"),
        (ruling("pass_on", note=" "), "note"),
        (ruling("reject", to="legal"), "to"),
        (ruling("reject", note="x" * (MOST_NOTE + 1)), "note"),
        (ruling("edit", text="x" * 100_001), "text"),
        (ruling("approve", tags=("",)), "tags"),
        (ruling("approve", tags=("a",) * 17), "tags"),
        (ruling("approve", at=math.inf), "seconds"),
        (ruling("approve", seconds=math.nan), "seconds"),
    ],
)
def test_bad_rulings_name_the_part(bad: Ruling, param: str) -> None:
    """The error leads to the field."""
    with pytest.raises(BadRequest) as caught:
        check_ruling(bad)
    assert param == caught.value.param


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (ruling("approve"), False),
        (ruling("edit", text="a"), True),
        (ruling("edit", text="a", tags=("tone", "fact")), True),
        (ruling("edit", text="a", tags=("tone", "format")), False),
        (ruling("replace", text="a"), True),
        (ruling("reject"), True),
        (ruling("pass_on", note="?"), None),
    ],
)
def test_kind_and_tags_tell_whether_the_draft_was_wrong(given: Ruling, wrong: bool | None) -> None:
    """An edit of the manner alone leaves a draft right; passing on says nothing."""
    assert wrong is wrong_of(given)
