"""What must never be shown is not shown."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import msgspec
import pytest

from seatrial.values.secrets import Secret

KEY = Secret("hunter2")


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "{:>9}".format, lambda k: f"{[k]}", lambda k: f"{ {'k': k}!r}"]
)
def test_text_never_shows_it(show: Callable[[Secret], str]) -> None:
    """However it is formatted, alone or inside something else."""
    assert "hunter2" not in show(KEY)
    assert "***" in show(KEY)


@pytest.mark.parametrize(
    "write", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode]
)
def test_it_cannot_be_written(write: Callable[[Secret], object]) -> None:
    """Neither copied, pickled nor encoded."""
    with pytest.raises(TypeError):
        write(KEY)


def test_it_does_not_change() -> None:
    """It is a value: equal by what it holds, and frozen."""
    with pytest.raises(AttributeError):
        KEY._value = "other"
    with pytest.raises(AttributeError):
        del KEY._value
    assert Secret("hunter2") == KEY
    assert Secret("other") != KEY
    assert KEY != "hunter2"
    assert 1 == len({KEY, Secret("hunter2")})
    assert [True, False] == [bool(KEY), bool(Secret(""))]
    assert "hunter2" == KEY.reveal()
