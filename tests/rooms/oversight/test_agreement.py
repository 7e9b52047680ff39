"""Agreement between people, against published figures."""

from __future__ import annotations

import pytest

from seatrial.oversight.agreement import Agreement, agree, cohen

# Ten items, fourteen people, five categories: a textbook table with kappa .210.
TABLE = (
    "0 0 0 0 14; 0 2 6 4 2; 0 0 3 5 6; 0 3 9 2 0; 2 2 8 1 1; "
    "7 7 0 0 0; 3 2 6 3 0; 2 5 3 2 2; 6 5 2 1 0; 0 2 2 3 7"
)


def test_many_people_as_in_the_textbook() -> None:
    """The published example comes out."""
    items = [
        [kind for kind, count in enumerate(line.split()) for _ in range(int(count))]
        for line in TABLE.split(";")
    ]

    found = agree(items)

    assert 10 == found.items
    assert found.share == pytest.approx(0.378, abs=5e-4)
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_two_people_as_in_the_textbook() -> None:
    """Fifty proposals, 20 yes by both, 15 no by both: kappa .4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15

    found = cohen(pairs)

    assert found.share == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_nothing_to_compare_is_unknown() -> None:
    """No items, one person each, and all alike."""
    assert Agreement(0) == agree([["right"], []]) == cohen([])
    assert Agreement(1, 1.0, None) == agree([["right", "right"]])
    assert Agreement(2, 1.0, None) == cohen([("right", "right")] * 2)
