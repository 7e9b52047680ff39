"""A secret shows nowhere."""

import copy
import json
import logging
import pickle

import msgspec
import pytest

from seatrial.values.secrets import Secret

CANARY = "canary-4711"


def test_no_text_form_shows_it() -> None:
    """Printed, formatted, listed, logged."""
    secret = Secret(CANARY)
    record = logging.LogRecord("a", 1, "a", 1, "%s %r", (secret, secret), None)
    forms = [str(secret), repr(secret), f"{secret}", f"{secret!r:>30}", repr([secret])]

    assert not any(CANARY in form for form in [*forms, record.getMessage(), str(vars_of(secret))])
    assert CANARY == secret.reveal()


def vars_of(secret: Secret) -> object:
    """Return what a debugger would list."""
    return getattr(secret, "__dict__", None)


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy])
def test_it_is_not_written(write: object) -> None:
    """No way of writing takes it."""
    with pytest.raises(TypeError) as caught:
        write(Secret(CANARY))  # type: ignore[operator]

    assert CANARY not in str(caught.value)


def test_it_does_not_change() -> None:
    """Neither set nor deleted."""
    secret = Secret(CANARY)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del secret._value


def test_equal_secrets_are_equal() -> None:
    """So that a reload sees what changed."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert 1 == len({Secret("a"), Secret("a")})
    assert Secret("a") != "a"
    assert not Secret("")
