"""JSON Schemas, compiled once: does a value fit, and if not, where and why.

Patterns run on an engine of linear time, and no schema is ever fetched.  What is said of a
misfit names places and rules of the schema, never what was found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import msgspec

MOST_MISFITS: Final = 3
_MOST_WORDS: Final = 200  # characters of a rule of the schema that are told
_REGEX_BYTES: Final = 1_000_000  # of a compiled pattern


class BadSchema(Exception):
    """This is no JSON Schema that can be used; the text says why."""


class NotJson(Exception):
    """The text is no JSON; the text of this says where it stops being so."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place where a value does not fit its schema.

    Args:
        path: where, such as `lines/0/price`; `*` stands for a name that the schema does not
            know, and an empty text for the whole value.
        rule: which rule of the schema, such as `required`.
        sentence: what should be there, such as `price should be a number`.
    """

    path: str
    rule: str
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A compiled JSON Schema; make it with `compile_shape`."""

    _validator: Any
    _names: frozenset[str] = field(repr=False)

    def fits(self, value: object) -> bool:
        """Whether a JSON value fits."""
        try:
            return bool(self._validator.is_valid(value))
        except (TypeError, ValueError):
            return False  # JSON knows no such value

    def misfits(self, value: object, *, most: int = MOST_MISFITS) -> tuple[Misfit, ...]:
        """Return the first places that do not fit; empty when all does."""
        if self.fits(value):
            return ()
        try:
            return tuple(
                self._misfit(error, value)
                for error in islice(self._validator.iter_errors(value), most)
            )
        except (TypeError, ValueError):
            return (Misfit("", "type", "the value should be JSON"),)

    def _misfit(self, error: Any, value: Any) -> Misfit:
        steps = []
        for step in error.instance_path:
            # A name of digits alone comes as a number, too.
            if isinstance(value, Mapping):
                known = str(step) in self._names
                value = value.get(str(step))
            else:
                known = True
                value = value[step]
            steps.append(str(step) if known else "*")
        path = "/".join(steps)
        return Misfit(path, error.kind.name, f"{path or 'the value'} {_wanted(error.kind)}")


def compile_shape(schema: object) -> Shape:
    """Return a JSON Schema ready for use.

    Args:
        schema: as JSON; drafts 4 to 2020-12, the newest when `$schema` names none.

    Raises:
        BadSchema: it is none, refers to something outside, or has a pattern that looks ahead,
            behind or back.

    >>> shape = compile_shape({"type": "object", "required": ["name"]})
    >>> shape.misfits({})[0].sentence
    'the value should have name'
    """
    import jsonschema_rs  # 4 MB: only where there is a schema

    if not isinstance(schema, Mapping | bool):
        raise BadSchema("a JSON Schema is an object")
    regex = jsonschema_rs.RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES)
    try:
        validator = jsonschema_rs.validator_for(
            schema,  # type: ignore[arg-type]  # any mapping of JSON will do
            pattern_options=regex,
            offline=True,
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        message = (str(error).strip().splitlines() or ["no JSON Schema"])[0]
        raise BadSchema(message[:_MOST_WORDS]) from None
    return Shape(validator, frozenset(_names(schema)))


def read_json(text: str) -> Any:
    """Return the JSON in a text.

    Raises:
        NotJson: it is none, or nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise NotJson("it is no valid JSON") from None


def told(misfits: tuple[Misfit, ...]) -> str:
    """Return one sentence on what does not fit.

    >>> told((Misfit("a", "type", "a should be text"), Misfit("b", "type", "b should be text")))
    'a should be text; b should be text.'
    """
    return "; ".join(misfit.sentence for misfit in misfits) + "."


def _names(schema: object) -> Iterator[str]:
    """Iterate over the property names that a schema itself writes down."""
    stack = [schema]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            properties = each.get("properties")
            if isinstance(properties, Mapping):
                yield from properties
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


_TYPES: Final = {"object": "an object", "array": "a list", "string": "text", "null": "null"} | {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_SIZES: Final = {
    "maxItems": "should have at most {} items",
    "minItems": "should have at least {} items",
    "maxLength": "should have at most {} characters",
    "minLength": "should have at least {} characters",
    "maxProperties": "should have at most {} entries",
    "minProperties": "should have at least {} entries",
    "maximum": "should be at most {}",
    "minimum": "should be at least {}",
    "exclusiveMaximum": "should be less than {}",
    "exclusiveMinimum": "should be more than {}",
}


def _wanted(kind: Any) -> str:
    """Say what a rule of the schema wants; the words come from the schema alone."""
    match kind.name:
        case "type":
            return "should be " + " or ".join(_TYPES.get(each, each) for each in kind.types)
        case "required":
            return f"should have {kind.property}"
        case "enum":
            options = ", ".join(msgspec.json.encode(each).decode() for each in kind.options)
            return f"should be one of {options}"[:_MOST_WORDS]
        case "const":
            wanted = msgspec.json.encode(kind.expected_value).decode()
            return f"should be {wanted}"[:_MOST_WORDS]
        case "pattern":
            return f"should fit the pattern {kind.pattern}"[:_MOST_WORDS]
        case "format":
            return f"should be a {kind.format}"
        case "additionalProperties" | "unevaluatedProperties":
            return "should have no other entries"
        case "falseSchema":
            return "should not be there"
        case name if name in _SIZES:
            return _SIZES[name].format(kind.limit)
        case name:
            return f"does not fit the rule {name}"
