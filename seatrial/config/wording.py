"""The words of messages: what was expected, what was given, what was probably meant."""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from datetime import date
from typing import Any, Final, Literal, Union, get_args, get_origin

from seatrial.config.limits import Limit
from seatrial.config.secrets import conceal

# What other tools call it.
ELSEWHERE_CALLED: Final = {
    "api_base": "base_url",
    "endpoint": "base_url",
    "url": "base_url",
    "host": "base_url",
    "key": "api_key",
    "token": "api_key",
    "type": "provider",
    "function": "call",
    "fallbacks": "route",
    "fallback": "route",
    "targets": "route",
    "models": "route",
    "prompt_file": "prompt",
    "system_prompt": "prompt",
    "message": "say",
    "description": "purpose",
    "database": "store",
    "port": "listen",
    "bind": "listen",
    "address": "listen",
    "retries": "retry",
    "timeouts": "timers",
    "budget": "budgets",
    "prices": "price",
    "cost": "price",
}
_UNITS: Final = {
    "_s": "of seconds",
    "_usd_month": "of US dollars",
    "_usd_mtok": "of US dollars",
    "_usd": "of US dollars",
    "_tokens": "of tokens",
    "_tokens_s": "of tokens per second",
    "_bytes": "of bytes",
    "_days": "of days",
    "_rpm": "of requests per minute",
    "requests_minute": "of requests per minute",
    "tokens_minute": "of tokens per minute",
    "_day": "of requests per day",
    "tokens_day": "of tokens per day",
    "usd_day": "of US dollars",
    "usd_month": "of US dollars",
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|sec|m|min|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant; empty when none is close.

    >>> nearest("rout", ["route", "say"])
    'route'
    """
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def listed(names: Iterable[str], *, last: str = "or") -> str:
    """Return names as people list them.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end


def shown(value: object) -> str:
    """Return a value as it may be shown: short, in TOML's signs, without secrets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = conceal(value)
        text = text if len(text) <= 60 else text[:59] + "…"
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "an empty list" if not value else "a list"
    return str(value)


def expected(annotation: Any, name: str = "", limit: Limit | None = None) -> str:
    """Return in plain words what a setting of that type takes."""
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        options = [each for each in get_args(annotation) if each is not type(None)]
        return listed([expected(each, name, limit) for each in options])
    if origin is Literal:
        return listed([f'"{each}"' for each in get_args(annotation)])
    if annotation is bool:
        return "true or false"
    if annotation is str:
        return "a text"
    if annotation in {int, float}:
        kind = "a whole number" if annotation is int else "a number"
        units = [unit for ending, unit in _UNITS.items() if name.endswith(ending)]
        parts = [kind, *units[-1:], str(limit or "")]
        return " ".join(part for part in parts if part)
    if annotation is date:
        return "a day, as 2026-12-01"
    if origin is tuple:
        return "a list of texts"
    if is_dataclass(annotation) or origin is Mapping or origin is not None:
        return "a table"
    return "something else"


def remedy(annotation: Any, value: object, name: str, limit: Limit | None) -> str:
    """Return what to write instead, when it is clear what was meant; else empty."""
    options = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else ()
    kinds = {annotation, *options}
    if limit and value == 0 and not isinstance(value, bool) and limit.zero:
        return limit.zero
    if isinstance(value, str):
        return _remedy_for_text(annotation, kinds, value, name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if (limit and limit.most == 1) or (limit and limit.below == 1):
            if 1 < value <= 100:
                return f"It is a share: write {_tidy(value / 100)} for {_tidy(value)} %."
        elif int in kinds and isinstance(value, float) and value == int(value):
            return f"Write {int(value)}."
        elif str in kinds:
            return f'Write it in quotes: "{value}".'
    return ""


def _remedy_for_text(annotation: Any, kinds: set[Any], value: str, name: str) -> str:
    if get_origin(annotation) is Literal:
        near = nearest(value, (str(each) for each in get_args(annotation)))
        return f'Did you mean "{near}"?' if near else ""
    if any(get_origin(kind) is tuple for kind in kinds):
        return f"Write a list: [{shown(value)}]."
    if bool in kinds and value.lower() in {"true", "false"}:
        return f"Write it without quotes: {value.lower()}."
    if kinds & {int, float}:
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return f"Write it without quotes: {value}."
        duration = _DURATION.fullmatch(value)
        if duration and name.endswith("_s"):
            seconds = float(duration[1]) * _SECONDS[duration[2]]
            return f"Write the number alone: {_tidy(seconds)}."
    return ""


def _tidy(number: float) -> str:
    return f"{round(number, 6):g}"
