"""The shape of seatrial.toml: pydantic models made from the rooms' frozen dataclasses.

pydantic finds what does not fit; the words are ours.  What comes out are the dataclasses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from seatrial.config.features import FeatureSettings
from seatrial.config.limits import LIMITS, Limit
from seatrial.config.secrets import is_secret_name
from seatrial.config.service import ServiceSettings
from seatrial.config.toml import Path
from seatrial.config.wording import ELSEWHERE_CALLED, expected, listed, nearest, remedy, shown
from seatrial.prices.settings import TargetPrice
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.settings import TargetRules

Report = Callable[[Path, str, str], None]

# A section may hold the settings of more than one room.
SERVICE: Final = (ServiceSettings,)
TARGET: Final = (TargetSettings, TargetRules, TargetPrice)
FEATURE: Final = (FeatureSettings,)

# Not for the file: the name is the section's, the kind follows from the provider.
_DERIVED: Final = {(TargetRules, "name"), (TargetRules, "kind")}

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"

LATER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "confidence": "confidence signals",
        "oversight": "oversight by people",
        "rollout": "staged rollouts",
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key that a section knows."""

    name: str
    annotation: Any
    default: Any
    limit: Limit | None = None
    about: str = ""


@cache
def settings_of(kinds: tuple[type, ...]) -> Mapping[str, Setting]:
    """Return the keys that a section of these settings knows."""
    known = {}
    for kind in kinds:
        hints = get_type_hints(kind)
        about = descriptions(kind)
        for field in fields(kind):
            if (kind, field.name) in _DERIVED:
                continue
            default = field.default
            if default is MISSING and field.default_factory is not MISSING:
                default = field.default_factory()
            limit = LIMITS.get(kind, {}).get(field.name)
            text = about.get(field.name, "")
            known[field.name] = Setting(field.name, hints[field.name], default, limit, text)
    return known


def descriptions(kind: type) -> dict[str, str]:
    """Return what the docstring's Args say about each field."""
    block = (kind.__doc__ or "").partition("Args:\n")[2]
    about: dict[str, str] = {}
    names: list[str] = []
    for line in block.split("\n"):
        if entry := re.match(r" {8}(\w[\w, ]*): (.+)", line):
            names = [name.strip() for name in entry[1].split(",")]
            about |= dict.fromkeys(names, entry[2].strip())
        elif names and line.startswith(" " * 12):
            about |= dict.fromkeys(names, f"{about[names[0]]} {line.strip()}")
        elif line.strip():
            break
    return {name: text[0].upper() + text[1:] for name, text in about.items()}


@cache
def model_of(kinds: tuple[type, ...]) -> Any:
    """Return the pydantic model of a section."""
    from pydantic import ConfigDict, Field, create_model

    content: dict[str, Any] = {}
    for setting in settings_of(kinds).values():
        limit = setting.limit or Limit()
        bounds = {"ge": limit.least, "le": limit.most, "gt": limit.above, "lt": limit.below}
        more: dict[str, Any] = {key: each for key, each in bounds.items() if each is not None}
        default = ... if setting.default is MISSING else setting.default
        described = Field(default, alias=setting.name, description=setting.about or None, **more)
        content[_attribute(setting.name)] = (_type_for(setting.annotation), described)
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    title = kinds[0].__name__
    return create_model(title, __config__=config, **content)


def _attribute(name: str) -> str:
    """Return what a setting is called in its model: pydantic keeps `schema` for itself."""
    return f"{name}_" if name == "schema" else name


def _type_for(annotation: Any) -> Any:
    """Return the type to check: tables become models, and TOML's lists pass for tuples."""
    from pydantic import Strict

    if is_dataclass(annotation) and isinstance(annotation, type):
        return model_of((annotation,))
    if get_origin(annotation) is tuple:
        return Annotated[annotation, Strict(False)]
    arguments = get_args(annotation)
    if any(get_origin(each) is tuple for each in arguments):
        kept: Any = _type_for(arguments[0])
        for each in arguments[1:]:
            kept = kept | _type_for(each)
        return kept
    return annotation


def fit(kinds: tuple[type, ...], raw: Mapping[str, Any], at: Path, report: Report) -> Any | None:
    """Check one section and return its values by key, with a default for what is wrong.

    Args:
        kinds: whose settings the section holds.
        raw: the section as read.
        at: its path, for the messages.
        report: takes each problem.

    Returns:
        The values by key, tables inside as their dataclasses; None when a key that has no
        default is missing or wrong.
    """
    from pydantic import ValidationError

    model = model_of(kinds)
    try:
        return _values(kinds, model.model_validate(dict(raw)))
    except ValidationError as error:
        wrong = _paths(raw, error.errors(include_url=False, include_context=False))
    odd = [str(path[-1]) for path, kind in wrong.items() if kind == "extra_forbidden"]
    for path, kind in wrong.items():
        # The misspelt key was meant for the one that seems to be missing.
        if kind == "missing" and any(nearest(key, settings_of(kinds)) == path[-1] for key in odd):
            continue
        _tell(kinds, raw, path, kind, at=at, report=report)
    try:
        return _values(kinds, model.model_validate(_without(raw, wrong)))
    except ValidationError:
        return None


def build(kind: Any, values: Mapping[str, Any], /, **more: Any) -> Any:
    """Return the dataclass `kind` from a section's values."""
    names = {field.name for field in fields(kind)} - set(more)
    return kind(**{key: each for key, each in values.items() if key in names}, **more)


def _values(kinds: tuple[type, ...], checked: Any) -> dict[str, Any]:
    values = {}
    for name, setting in settings_of(kinds).items():
        value = getattr(checked, _attribute(name))
        if is_dataclass(setting.annotation) and not is_dataclass(value):
            inner: Any = setting.annotation
            value = build(inner, _values((inner,), value))
        values[name] = value
    return values


def _paths(raw: Mapping[str, Any], errors: Sequence[Any]) -> dict[Path, str]:
    """Return the kind of error by path, without pydantic's own steps and doubles."""
    found: dict[Path, str] = {}
    for error in errors:
        path: list[str | int] = []
        inner: Any = raw
        for step in error["loc"]:
            if _is_in(step, inner):
                inner = inner[step]
            elif error["type"] != "missing":
                continue  # names a branch of a union
            path.append(step)
        found.setdefault(tuple(path), error["type"])
    return {
        path: kind
        for path, kind in found.items()
        if not any(other != path and other[: len(path)] == path for other in found)
    }


def _is_in(step: str | int, value: Any) -> bool:
    if isinstance(value, Mapping):
        return step in value
    return isinstance(value, list | tuple) and isinstance(step, int) and step < len(value)


def _tell(
    kinds: tuple[type, ...], raw: Any, path: Path, error: str, *, at: Path, report: Report
) -> None:
    """Report one thing that does not fit."""
    setting, annotation, inside = _locate(kinds, path)
    key = str(path[-1])
    if error == "extra_forbidden":
        report((*at, *path), *_unknown(key, inside, (*at, *path)))
        return
    if error == "missing":
        example = ' Write route = ["…"] with at least one target.' if key == "route" else ""
        report((*at, *path[:-1]), f"{key} is missing.", example.strip())
        return
    value = raw
    for step in path:
        value = value[step]
    name = setting.name if setting else ""
    limit = setting.limit if setting else None
    wanted = expected(annotation, name, limit)
    given = "what is written there" if _is_secret(path) else shown(value)
    hint = "" if _is_secret(path) else remedy(annotation, value, name, limit)
    if wanted == "a table" and not isinstance(value, Mapping):
        hint = f"Write a section [{'.'.join(str(part) for part in (*at, *path))}]."
    report((*at, *path), f"should be {wanted}, not {given}.", hint)


def _locate(kinds: tuple[type, ...], path: Path) -> tuple[Setting | None, Any, tuple[type, ...]]:
    """Return the setting at a path, its type there, and the section it stands in."""
    setting: Setting | None = None
    annotation: Any = None
    inside = kinds
    for step in path:
        if setting is not None and is_dataclass(setting.annotation):
            inside = (setting.annotation,)  # type: ignore[assignment]  # a class, not an instance
            setting = None
        if setting is None:
            setting = settings_of(inside).get(str(step))
            annotation = setting.annotation if setting else None
        else:
            annotation = str  # an item of a list, or a value of a table of texts
    return setting, annotation, inside


def _unknown(key: str, inside: tuple[type, ...], path: Path) -> tuple[str, str]:
    """Return what to say about a key that a section does not know."""
    known = settings_of(inside)
    where = f"[{'.'.join(str(part) for part in path[:-1])}]"
    if key in LATER and inside in {SERVICE, FEATURE}:
        message = f"this version of Seatrial has no {LATER[key]} yet, so this would do nothing."
        return message, "Take it out."
    message = f"{where} has no key {shown(key)}."
    if ELSEWHERE_CALLED.get(key) in known:
        return message, f"Here it is called {ELSEWHERE_CALLED[key]}."
    if key in {"timeout", "timeout_s"} and inside == TARGET:
        return message, f"Limits of time belong in {where[:-1]}.timers], such as total_s."
    if key in {"timeout", "timeout_s"} and inside == FEATURE:
        return message, f"Write deadline_s in {where[:-1]}.requirements]."
    if near := nearest(key, known):
        return message, f"Did you mean {near}?"
    if home := _home_of(key, inside, path):
        return message, f"It belongs in {home}."
    if inside == TARGET and key in {"temperature", "max_tokens", "top_p", "seed", "stop"}:
        return message, f"What is sent to the model belongs in {where[:-1]}.parameters]."
    return message, f"It knows {listed(known, last='and')}."


def _home_of(key: str, inside: tuple[type, ...], path: Path) -> str:
    """Return the section that knows a key which stands in the wrong one; empty if none does."""
    base = [str(part) for part in path[:2]]
    outer = {"targets": TARGET, "features": FEATURE}.get(base[0], SERVICE)
    if outer == SERVICE:
        return ""
    for kinds, names in _sections(outer, base):
        if kinds != inside and key in settings_of(kinds):
            return f"[{'.'.join(names)}]"
    return ""


def _sections(outer: tuple[type, ...], base: list[str]) -> Iterator[tuple[Any, list[str]]]:
    yield outer, base
    for name, setting in settings_of(outer).items():
        if is_dataclass(setting.annotation):
            yield (setting.annotation,), [*base, name]


def _is_secret(path: Path) -> bool:
    return any(isinstance(part, str) and is_secret_name(part) for part in path)


def _without(raw: Any, wrong: Mapping[Path, str]) -> Any:
    """Return a copy without what is wrong, so that the rest can be looked at."""
    kept = {key: dict(each) if isinstance(each, Mapping) else each for key, each in raw.items()}
    for path in wrong:
        if len(path) > 1 and isinstance(kept.get(path[0]), dict):
            kept[path[0]].pop(path[1], None)
        else:
            kept.pop(path[0], None)
    return kept
