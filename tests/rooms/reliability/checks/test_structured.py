"""JSON that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.reliability.checks.shape import Shape, compile_shape
from seatrial.reliability.checks.structured import (
    Shapes,
    asks_for_json,
    check_json,
    check_response_format,
)
from seatrial.values.checks import PASSED, Says

PRICE = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}


def wanting(schema: object, name: str = "json_schema") -> dict[str, Any]:
    """Return a request whose caller asks for JSON."""
    return {"response_format": {"type": name, "json_schema": {"name": "x", "schema": schema}}}


def test_json_that_fits_passes() -> None:
    """Blanks around it do no harm."""
    assert PASSED == check_json(' {"price": 3} ', compile_shape(PRICE), code="schema")


def test_a_misfit_names_the_rule_and_not_the_value() -> None:
    """The reason serves a repair, and quotes nothing of the answer."""
    verdict = check_json('{"price": "hunter2"}', compile_shape(PRICE), code="schema")

    assert (Says.REFUSE, "schema") == (verdict.says, verdict.code)
    assert "price should be a number" in verdict.reason
    assert "hunter2" not in verdict.reason
    assert {"misfits": 1} == verdict.counts


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ('```json\n{"price": 3}\n```', "fenced_json", "```"),
        ("", "no_json", "empty"),
        ("   ", "no_json", "empty"),
        ('Here it is: {"price": 3}', "no_json", "words before"),
        ("Three pounds.", "no_json", "valid JSON"),
        ('{"price": 3', "no_json", "valid JSON"),
        ("[" * 100_000, "no_json", "nested"),
    ],
)
def test_what_is_no_json_is_told_why(text: str, code: str, word: str) -> None:
    """Each way of missing has its own reason, so that the next answer can do better."""
    verdict = check_json(text, compile_shape(PRICE), code="schema")

    assert (Says.REFUSE, code) == (verdict.says, verdict.code)
    assert word in verdict.reason


def test_json_object_takes_any_object_and_nothing_else() -> None:
    """`json_object` asks for an object: a list is none."""
    body = {"response_format": {"type": "json_object"}}

    assert PASSED == check_response_format("{}", body, Shapes())
    assert "no_json" == check_response_format("[]", body, Shapes()).code


def test_the_callers_schema_must_be_fitted() -> None:
    """The caller's own `response_format` is held to its schema."""
    shapes = Shapes()

    assert PASSED == check_response_format('{"price": 1}', wanting(PRICE), shapes)
    assert "response_format" == check_response_format("{}", wanting(PRICE), shapes).code
    assert 1 == len(shapes)


@pytest.mark.parametrize(
    "body", [{}, {"response_format": {"type": "text"}}, {"response_format": 1}]
)
def test_who_asks_for_no_json_gets_text(body: dict[str, Any]) -> None:
    """Without the wish there is nothing to hold the answer to."""
    assert not asks_for_json(body)
    assert PASSED == check_response_format("Hi", body, Shapes())


@pytest.mark.parametrize("inner", [None, {}, 7])
def test_a_wish_without_schema_takes_any_object(inner: object) -> None:
    """A `json_schema` that brings none cannot ask for more than an object."""
    body = {"response_format": {"type": "json_schema", "json_schema": inner}}

    assert PASSED == check_response_format("{}", body, Shapes())
    assert "no_json" == check_response_format("1", body, Shapes()).code


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strange"},
        {"$ref": "https://example.org/schema.json"},
        {"pattern": "(?=a)b"},
        {"enum": ["x" * 300_000]},
        {"default": object()},
        7,
    ],
    ids=["no schema", "elsewhere", "looks ahead", "too large", "no JSON", "a number"],
)
def test_an_unusable_schema_of_a_caller_is_flagged(schema: object) -> None:
    """The answer may be right: it is let through, and the record says that nobody looked."""
    verdict = check_response_format("{}", wanting(schema), Shapes())

    assert (Says.FLAG, "unusable_schema") == (verdict.says, verdict.code)


def test_compiled_schemas_are_kept_and_bounded() -> None:
    """The same bytes give the same shape; however many come, no more than twice the bound stay."""
    shapes = Shapes(kept=4)
    first = shapes.of(PRICE)

    for number in range(100):
        shapes.of({"const": number})
        assert first is shapes.of(PRICE), "what is used stays"

    assert isinstance(first, Shape)
    assert len(shapes) <= 8
