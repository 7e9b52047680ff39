"""Is the answer the JSON that was asked for, by the feature's schema or by the caller's?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.reliability.checks.shape import (
    BadSchema,
    NotJson,
    Shape,
    compile_shape,
    read_json,
    told,
)
from seatrial.values.checks import PASSED, Says, Verdict

SHAPES_KEPT: Final = 128  # compiled schemas of callers, twice at most
MOST_REASON: Final = 1_000  # characters
_MOST_SCHEMA_BYTES: Final = 256 * 1024


class Shapes:
    """Compiled schemas of callers, by their bytes; the least used are let go.

    Two generations: what is used moves to the young one, and when that is full it becomes the
    old one.  Each step is one operation on a dict, so threads may share it.
    """

    __slots__ = ("_kept", "_old", "_young")

    def __init__(self, kept: int = SHAPES_KEPT) -> None:
        self._kept = kept
        self._young: dict[bytes, Shape | str] = {}
        self._old: dict[bytes, Shape | str] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, schema: object) -> Shape | str:
        """Return a schema compiled, or why it cannot be used."""
        try:
            key = msgspec.json.encode(schema)
        except (TypeError, ValueError, RecursionError):
            return "it is no JSON"
        young = self._young
        found = young.get(key)
        if found is not None:
            return found
        found = self._old.get(key) or _compiled(schema, key)
        if len(young) >= self._kept:
            self._old, young = young, {}
            self._young = young
        young[key] = found
        return found


def _compiled(schema: object, key: bytes) -> Shape | str:
    if len(key) > _MOST_SCHEMA_BYTES:
        return "it is too large"
    try:
        return compile_shape(schema)
    except BadSchema as error:
        return str(error) or "it is no JSON Schema"


def check_json(text: str, shape: Shape | None, *, code: str) -> Verdict:
    r"""Judge whether an answer is JSON, and fits.

    Args:
        text: of the answer.
        shape: what it must fit; None when any JSON object will do.
        code: of the verdict when it is JSON that does not fit.

    >>> check_json("```json\n{}\n```", None, code="schema").code
    'fenced_json'
    """
    try:
        value = read_json(text)
    except NotJson as error:
        return _no_json(text, str(error))
    if shape is None:
        if isinstance(value, dict):
            return PASSED
        return Verdict(Says.REFUSE, "no_json", "The answer should be one JSON object.")
    misfits = shape.misfits(value)
    if not misfits:
        return PASSED
    return Verdict(
        Says.REFUSE,
        code,
        f"The answer does not fit: {told(misfits)}"[:MOST_REASON],
        {"misfits": len(misfits)},
    )


def _no_json(text: str, why: str) -> Verdict:
    """Say in what way it is none, so that the next answer can do better."""
    start = text[:400].strip()
    if start.startswith("```"):
        reason = "The answer should be JSON alone, without ``` around it."
        return Verdict(Says.REFUSE, "fenced_json", reason)
    if not start:
        return Verdict(Says.REFUSE, "no_json", "The answer should be JSON, and is empty.")
    if start[0] not in "{[" and ("{" in text or "[" in text):
        reason = "The answer should be JSON alone, without words before it."
        return Verdict(Says.REFUSE, "no_json", reason)
    return Verdict(Says.REFUSE, "no_json", f"The answer should be JSON: {why}.")


def asks_for_json(body: Mapping[str, Any]) -> bool:
    """Whether the caller's `response_format` asks for JSON."""
    wanted = body.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") in {"json_schema", "json_object"}


def check_response_format(text: str, body: Mapping[str, Any], shapes: Shapes) -> Verdict:
    """Judge whether an answer is what the caller's own `response_format` asks for.

    A schema of the caller that cannot be used is flagged: the answer may be right.
    """
    if not asks_for_json(body):
        return PASSED
    wanted = body["response_format"]
    if wanted["type"] == "json_object":
        return check_json(text, None, code="response_format")
    inner = wanted.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if schema is None:
        return check_json(text, None, code="response_format")
    shape = shapes.of(schema)
    if isinstance(shape, str):
        reason = "The schema in response_format cannot be checked."
        return Verdict(Says.FLAG, "unusable_schema", reason)
    return check_json(text, shape, code="response_format")
