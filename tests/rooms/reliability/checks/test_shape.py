"""Behaviour of compiled JSON Schemas."""

from typing import Any

import pytest

from seatrial.reliability.checks.shape import BadSchema, NotJson, compile_shape, read_json, told

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["lines"],
    "additionalProperties": False,
    "properties": {
        "lines": {
            "type": "array",
            "items": {"properties": {"price": {"type": ["number", "null"]}}},
        }
    },
}


def test_fitting_value_has_no_misfits() -> None:
    """What fits gives nothing to say."""
    shape = compile_shape(ORDER)

    assert shape.fits({"lines": [{"price": 1}]})
    assert shape.misfits({"lines": []}) == ()


def test_misfit_names_place_and_rule() -> None:
    """Path, rule and what should be there are told."""
    (misfit,) = compile_shape(ORDER).misfits({"lines": [{"price": 1}, {"price": "dear"}]})

    assert (misfit.path, misfit.rule) == ("lines/1/price", "type")
    assert told((misfit,)) == "lines/1/price should be null or a number."


def test_nothing_of_the_value_is_quoted() -> None:
    """Neither unknown names nor values come back in what is said."""
    shape = compile_shape(
        {"additionalProperties": {"properties": {"age": {"maximum": 9, "const": 3}}}}
    )

    misfits = shape.misfits({"4111111111111111": {"age": 987654}})

    assert {misfit.path for misfit in misfits} == {"*/age"}
    assert "4111" not in told(misfits)
    assert "9876" not in told(misfits)


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "x", "the value should be a whole number"),
        ({"required": ["name"]}, {}, "the value should have name"),
        ({"enum": [1, "a"]}, 3, 'the value should be one of 1, "a"'),
        ({"const": {"a": 1}}, 3, 'the value should be {"a":1}'),
        ({"pattern": "^a+$"}, "b", "the value should fit the pattern ^a+$"),
        ({"format": "date"}, "b", "the value should be a date"),
        ({"maxLength": 2}, "abc", "the value should have at most 2 characters"),
        (
            {"additionalProperties": False, "properties": {"b": {}}},
            {"a": 1},
            "the value should have no other entries",
        ),
        ({"additionalProperties": False}, {"a": 1}, "the value should not be there"),
        ({"uniqueItems": True}, [1, 1], "the value does not fit the rule uniqueItems"),
        ({"type": "number"}, object(), "the value should be JSON"),
    ],
)
def test_each_rule_is_said_in_words(schema: dict[str, Any], value: object, sentence: str) -> None:
    """What is said comes from the schema."""
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    shape = compile_shape(schema)

    assert [misfit.sentence for misfit in shape.misfits(value)] == [sentence]


def test_only_the_first_misfits_are_told() -> None:
    """A hostile value cannot make a long answer."""
    shape = compile_shape({"items": {"type": "string"}})

    assert len(shape.misfits(list(range(10_000)))) == 3
    assert len(shape.misfits(list(range(10_000)), most=1)) == 1


@pytest.mark.parametrize(
    "schema",
    [
        3,
        {"type": 3},
        {"pattern": "("},
        {"pattern": "(?=ahead)"},
        {"pattern": r"(back)\1"},
        {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:1/elsewhere"},
        {"$schema": "http://127.0.0.1:1/own"},
    ],
)
def test_unusable_schema_is_refused(schema: object) -> None:
    """What is wrong, slow or elsewhere is told when the schema is compiled."""
    with pytest.raises(BadSchema, match=r"\w"):
        compile_shape(schema)


def test_pattern_takes_linear_time() -> None:
    """A pattern that would hang a backtracking engine answers at once."""
    shape = compile_shape({"pattern": "^(a+)+$"})

    assert not shape.fits("a" * 100_000 + "!")


def test_true_is_a_schema() -> None:
    """A schema may be a plain true or false."""
    assert compile_shape(True).fits(3)
    assert not compile_shape(False).fits(3)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '"\ud800"'])
def test_what_is_no_json_is_told(text: str) -> None:
    """Broken, deep and unpaired: all the same to the caller."""
    with pytest.raises(NotJson):
        read_json(text)


def test_json_is_read() -> None:
    """JSON comes back as values."""
    assert read_json('{"a": [1, null]}') == {"a": [1, None]}
