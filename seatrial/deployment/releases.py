"""Releases: what decides a feature's answers, as one text with one hash.

What is in the text makes a new release when it changes: the route with its providers,
models, parameters and plain headers, `on_refusal`, the `say` text, the prompt's version, the
source of declared Python functions, the checks of inputs and answers and which kept answers
are given again.  What is not in it takes effect at once: keys, base addresses, timers, retries,
breakers, limits and requirements.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

# Raised when the text below changes its shape: every release then gets a new id.
FORM: Final = 1

_NONE: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tier:
    """One place of a route, as far as it decides answers.

    Args:
        kind: `model`, `python`, `cache`, `say` or `human`.
        provider, model: of a model.
        parameters: sent with every request.
        headers: sent with every request, without those that hold secrets.
        source: of a Python function, normalised; see `normalise_source`.
    """

    kind: str
    provider: str = ""
    model: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


def release_content(
    feature: str,
    *,
    route: Sequence[Tier],
    on_refusal: str,
    say: str = "",
    prompt_version: str = "",
    checks: Mapping[str, object] = _NONE,
    cache: Mapping[str, object] = _NONE,
) -> str:
    """Return what decides the answers of a feature, as canonical JSON.

    Args:
        feature: its name, so that two features never share a release.
        route: the fallback chain, first tier first.
        on_refusal: what a target's refusal does.
        say: the text for `say` and hand-offs.
        prompt_version: of its prompt; empty without one.
        checks: what differs from the usual, as plain values under `input` and `output`.
        cache: the same of how kept answers are used.

    Returns:
        JSON with sorted keys and without spaces; what is empty is left out.
    """
    content = {
        "cache": dict(cache),
        "checks": {side: each for side, each in checks.items() if each},
        "feature": feature,
        "form": FORM,
        "on_refusal": on_refusal,
        "prompt": prompt_version,
        "route": [_plain(tier) for tier in route],
        "say": say,
    }
    kept = {key: value for key, value in content.items() if value not in ("", {})}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def release_id(content: str) -> str:
    """Return a release's id: the first 16 hex digits of the SHA-256 of its content.

    >>> release_id('{"feature":"support"}')
    'ce59161ad4aeb0cd'
    """
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def normalise_source(text: str) -> str:
    r"""Return the source of a function without what does not change its answers.

    Comments, layout, docstrings, type hints, line numbers, quotes and our own decorator
    (`@app.feature(…)`) do not count.  Everything else does: names, defaults, constants, other
    decorators, order.  Only the function itself is read, not what it calls: when a module
    or a model file beside it changes, change a constant in the function as well.

    >>> a = normalise_source("def f(x: int) -> int:  # doubles\n    return x*2")
    >>> a == normalise_source("def f(x):\n    'Doubles.'\n    return (x * 2)")
    True
    """
    try:
        return "".join(_write(ast.parse(textwrap.dedent(text))))
    except (SyntaxError, ValueError, RecursionError):
        # A lambda is cut out of its line, and half a line does not parse.
        return re.sub(r"\s+", " ", text).strip()


def _plain(tier: Tier) -> dict[str, Any]:
    content = {
        "kind": tier.kind,
        "provider": tier.provider,
        "model": tier.model,
        "parameters": dict(tier.parameters),
        "headers": dict(tier.headers),
        "source": tier.source,
    }
    return {key: value for key, value in content.items() if value}


def _write(node: object) -> list[str]:
    """Write a syntax tree so that every Python version writes the same.

    `ast.dump` and `ast.unparse` differ between versions: fields come and go.  Empty fields
    are left out here, so that a new one changes nothing.
    """
    if isinstance(node, list):
        inner = [part for each in node for part in [*_write(each), ","]]
        return ["[", *inner, "]"]
    if not isinstance(node, ast.AST):
        return [repr(node)]
    parts = [type(node).__name__, "("]
    for name, value in ast.iter_fields(node):
        kept = _kept(node, name, value)
        if kept is None or kept == []:
            continue
        parts += [name, "=", *_write(kept), ","]
    return [*parts, ")"]


def _kept(node: ast.AST, name: str, value: object) -> object:
    """Return a field's value as far as it counts; None when it does not."""
    if name in {"type_comment", "ctx", "annotation", "returns", "type_ignores", "type_params"}:
        return None
    if isinstance(node, ast.Constant):
        # `None` as a constant must not look like a field that is not there.
        return None if name == "kind" else repr(value)
    if name == "decorator_list" and isinstance(value, list):
        return [each for each in value if not _is_ours(each)]
    documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    if name == "body" and isinstance(node, documented) and isinstance(value, list):
        return value[1:] if ast.get_docstring(node, clean=False) is not None else value
    return value


def _is_ours(decorator: ast.expr) -> bool:
    """Say whether this is `@app.feature(…)`, whatever `app` is called."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "feature"
