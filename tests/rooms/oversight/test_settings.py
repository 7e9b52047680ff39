"""Settings of confidence and oversight say all that is wrong with them."""

from __future__ import annotations

import math

import pytest

from seatrial.errors import ConfigError
from seatrial.oversight.settings import (
    ConfidenceSettings,
    OversightSettings,
    Rule,
    SignalKind,
    checked,
    limit_of,
    parse_signal,
)


@pytest.mark.parametrize(
    "text", ["logprob", "agreement:3", "judge:small", "judge:a:b", "checks", "score"]
)
def test_signal_keeps_its_name(text: str) -> None:
    """What the file says is what the signal is called."""
    assert text == parse_signal(text).name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mood", "known are logprob"),
        ("agreement", "2 to 9"),
        ("agreement:1", "2 to 9"),
        ("agreement:²", "2 to 9"),
        ("agreement:-3", "2 to 9"),
        ("judge:", "the target that judges"),
        ("checks:2", "write `checks`"),
        ("score:", "write `score`"),
    ],
)
def test_bad_signal_says_what_to_write(text: str, words: str) -> None:
    """The reason stands in the error."""
    with pytest.raises(ValueError, match=words):
        parse_signal(text)


def test_confidence_lists_every_problem() -> None:
    """Unknown, doubled and too many signals, and a level that proves nothing."""
    settings = ConfidenceSettings(("mood", "score", "score", *["checks"] * 6), level=math.nan)

    found = settings.problems()

    assert "level" == found[0].path
    assert {"signals", "signals[0]", "signals[2]"} <= {each.path for each in found}
    assert () == ConfidenceSettings(("logprob", "judge:small")).problems()
    assert "judge alone" in str(ConfidenceSettings(("judge:small",)).problems()[0])
    kinds = [each.kind for each in ConfidenceSettings(("checks", "score")).parsed()]
    assert [SignalKind.CHECKS, SignalKind.SCORE] == kinds


def test_oversight_lists_every_problem() -> None:
    """Ranges, rules without a queue, and rules that nothing reaches."""
    settings = OversightSettings(
        start="none",  # type: ignore[arg-type]  # what a file could say
        queue="",
        hold_s=-1,
        reviewers=0,
        rules=(Rule("all"), Rule("", language=("cy",), below=2.0)),
    )

    paths = {each.path for each in settings.problems()}

    wanted = {"start", "queue", "hold_s", "reviewers", "rules[0]", "rules[1].queue"}
    assert wanted | {"rules[1].below"} == paths
    assert () == OversightSettings(rules=(Rule("a", tier=("gold",)), Rule("b"))).problems()


def test_checked_raises_for_what_was_made_by_hand() -> None:
    """All problems in one error; nothing where all is well."""
    checked(OversightSettings(), "oversight")
    with pytest.raises(ConfigError, match="oversight has 1 problem") as caught:
        checked(OversightSettings(spot_rate=0.0), "oversight")
    assert "spot_rate: should be 0.005 to 1, not 0." in str(caught.value)


def test_five_percent_where_nothing_is_required() -> None:
    """The limit is the requirement's where there is one."""
    assert 0.05 == limit_of(None)
    assert 0.01 == limit_of(0.01)
