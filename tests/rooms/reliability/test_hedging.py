"""When a second target may be asked, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.hedging import BURST, HedgeBudget, HedgeSettings

TOOLS = {"tools": [{"type": "function"}]}


@pytest.mark.parametrize(
    ("settings", "body", "allowed"),
    [
        (HedgeSettings(), {}, False),
        (HedgeSettings(tools=True), TOOLS, False),
        (HedgeSettings(share=0.05), {}, True),
        (HedgeSettings(share=0.05), {"tools": []}, True),
        (HedgeSettings(share=0.05), TOOLS, False),
        (HedgeSettings(share=0.05), {"functions": [{}]}, False),
        (HedgeSettings(share=0.05, tools=True), TOOLS, True),
    ],
)
def test_requests_with_tools_are_left_alone(
    settings: HedgeSettings, body: dict[str, object], allowed: bool
) -> None:
    """Unless the operator says that calling a tool twice does no harm."""
    assert allowed == settings.allows(body)


@given(st.floats(0.001, 1.0), st.lists(st.booleans(), max_size=300))
def test_share_is_never_passed(share: float, slow: list[bool]) -> None:
    """At no moment, whichever requests are slow."""
    budget, spent = HedgeBudget(), 0
    for place, wants in enumerate(slow, start=1):
        budget.earn(share)
        spent += wants and budget.spend()
        assert spent <= share * place + 1e-6


def test_ten_tenths_are_one() -> None:
    """Rounding loses nobody a call."""
    budget = HedgeBudget()
    for _ in range(10):
        assert not budget.spend()
        budget.earn(0.1)
    assert [True, False] == [budget.spend(), budget.spend()]


def test_little_is_saved_up() -> None:
    """After a quiet day an outage is not met by a flood."""
    budget = HedgeBudget()
    for _ in range(1_000):
        budget.earn(1.0)

    assert BURST == sum(budget.spend() for _ in range(100))
