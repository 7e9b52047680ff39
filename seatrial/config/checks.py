"""Sections [features.NAME.input] and what both sides of checks name: schemas and functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final

import msgspec

from seatrial.config.functions import find_function, source_of
from seatrial.config.reading import Reading
from seatrial.config.secrets import Fault
from seatrial.config.toml import Path
from seatrial.config.wording import listed, nearest, shown
from seatrial.reliability.checks.personal_data import GROUPS, KINDS
from seatrial.reliability.checks.settings import InputSettings
from seatrial.reliability.checks.shape import BadSchema, Shape, compile_shape
from seatrial.reliability.settings import BUILT_IN

SCHEMA_MOST_BYTES: Final = 1024 * 1024
# How long something may take decides no answer.
_NOT_DECIDING: Final = frozenset({"check_s", "duplicate_s"})
_CODES_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "welsh": "cy", "cymraeg": "cy", "english": "en", "german": "de", "deutsch": "de",
        "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl",
        "polish": "pl", "irish": "ga", "cym": "cy", "wel": "cy", "eng": "en", "deu": "de",
        "fra": "fr", "spa": "es",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FoundChecks:
    """What the settings of one side's checks name, found.

    Args:
        shape: the compiled schema, or None.
        functions: the user's own checks by `module:function`, in their order.
        content: what counts for a release, as plain values; empty when all is as usual.
    """

    shape: Shape | None = None
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    content: Mapping[str, object] = field(default_factory=dict)


def find_checks(settings: Any, at: Path, reading: Reading) -> FoundChecks:
    """Return what the settings of checks name, and report what cannot be had.

    Args:
        settings: of inputs or answers; they have `schema` and `checks`.
        at: the path of their section.
        reading: takes problems.
    """
    shape, schema = None, None
    if settings.schema is not None:
        schema = _read_schema(settings.schema, (*at, "schema"), reading)
        shape = _compile(settings.schema, schema, (*at, "schema"), reading)
    functions: dict[str, Callable[..., Any]] = {}
    for i, name in enumerate(settings.checks):
        found = find_function(name, reading.folder)
        if isinstance(found, Fault):
            reading.report((*at, "checks", i), found.message, found.hint)
        elif name in functions:
            reading.report((*at, "checks", i), f"{shown(name)} stands here twice.", "Keep one.")
        else:
            functions[name] = found
    content: dict[str, object] = {
        each.name: getattr(settings, each.name)
        for each in fields(settings)
        if each.name not in _NOT_DECIDING and getattr(settings, each.name) != each.default
    }
    if schema is not None:
        content["schema"] = schema
    if functions:
        content["checks"] = {name: source_of(each) for name, each in functions.items()}
    return FoundChecks(shape, functions, msgspec.to_builtins(content))


def check_input(
    settings: InputSettings,
    at: Path,
    targets: Collection[str],
    reading: Reading,
    *,
    has: Callable[[str], bool] = lambda module: find_spec(module) is not None,
) -> None:
    """Report what cannot be in the settings of an input's checks.

    Args:
        settings: what may come in.
        at: the path of their section.
        targets: the names of all targets.
        reading: takes problems and warnings.
        has: whether a Python module is installed.
    """
    _check_languages(settings.languages, (*at, "languages"), reading, has)
    for i, kind in enumerate(settings.personal_kinds):
        if kind not in KINDS and kind not in GROUPS:
            near = nearest(kind, [*KINDS, *GROUPS])
            hint = f'Did you mean "{near}"?' if near else f"There are {listed([*KINDS, *GROUPS])}."
            message = f"there is no kind of personal data called {shown(kind)}."
            reading.report((*at, "personal_kinds", i), message, hint)
    for i, name in enumerate(settings.required):
        if not name.strip():
            reading.report((*at, "required", i), "is empty.", "Name a value, or take it out.")
    _check_judge(settings, (*at, "injection_judge"), targets, reading)
    if settings.restore and settings.personal_data != "redact":
        message = 'does nothing: no mark is set unless personal_data is "redact".'
        reading.warn((*at, "restore"), message, 'Write personal_data = "redact".')
    if settings.personal_kinds and settings.personal_data == "off":
        message = 'does nothing: personal_data is "off".'
        reading.warn((*at, "personal_kinds"), message, 'Write personal_data = "redact".')


def _check_languages(
    languages: tuple[str, ...], at: Path, reading: Reading, has: Callable[[str], bool]
) -> None:
    for i, code in enumerate(languages):
        if len(code) != 2 or not code.isascii() or not code.islower():
            known = _CODES_OF.get(code.lower(), code.lower()[:2] if "-" in code else "")
            hint = f'Write "{known}".' if known else 'Welsh is "cy", English is "en".'
            message = f"should be a code of ISO 639-1, not {shown(code)}."
            reading.report((*at, i), message, hint)
    if languages and not has("py3langid"):
        message = "cannot be told apart: the extra lang is not installed."
        reading.report(at, message, "Install it with: pip install 'seatrial[lang]'")


def _check_judge(
    settings: InputSettings, at: Path, targets: Collection[str], reading: Reading
) -> None:
    judge = settings.injection_judge
    if not judge:
        return
    if judge in BUILT_IN:
        reading.report(at, f"{shown(judge)} cannot judge.", "Name a target that is asked.")
    elif judge not in targets:
        near = nearest(judge, targets)
        hint = f'Did you mean "{near}"?' if near else f"Write a section [targets.{judge}]."
        reading.report(at, f"there is no target {shown(judge)}.", hint)
    elif settings.injection == "off":
        message = 'is never asked: injection is "off".'
        reading.warn(at, message, 'Write injection = "flag", or take this out.')


def _read_schema(name: str, at: Path, reading: Reading) -> object:
    """Return the JSON in a schema's file; None when there is none, which is reported."""
    if not name.strip():
        reading.report(at, "is empty.", "Name a file, or leave it out.")
        return None
    file = reading.folder / name
    content = reading.read(file, most_bytes=SCHEMA_MOST_BYTES)
    if isinstance(content, Fault):
        beside = [each.name for each in file.parent.iterdir()] if file.parent.is_dir() else []
        near = nearest(file.name, beside) if "there is no" in content.message else ""
        hint = f"Did you mean {near}?" if near else "Make it, or leave schema out."
        reading.report(at, content.message, content.hint or hint)
        return None
    try:
        schema = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{name}: this is no valid JSON ({str(error).rstrip('.')})."
        reading.report(at, message, "A schema is written in JSON.")
        return None
    return [] if schema is None else schema  # neither is a schema


def _compile(name: str, schema: object, at: Path, reading: Reading) -> Shape | None:
    if schema is None:
        return None
    try:
        return compile_shape(schema)
    except BadSchema as error:
        hint = (
            "Patterns that look ahead, behind or back are not taken."
            if "regex" in str(error)
            else "See https://json-schema.org/understanding-json-schema."
        )
        reading.report(at, f"{name} is no JSON Schema that can be used: {error}.", hint)
        return None
