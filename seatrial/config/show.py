"""The effective configuration with where each value came from, and the schema of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from seatrial.config.loading import Config
from seatrial.config.secrets import mask
from seatrial.config.shape import FEATURE, NAME_PATTERN, SERVICE, TARGET, model_of
from seatrial.config.targets import WIRED
from seatrial.config.toml import Path, dotted
from seatrial.prices import TargetPrice


@dataclass(frozen=True, slots=True)
class Row:
    """One value in force.

    Args:
        path: its dotted path.
        value: as one would write it in the file; a secret as the reference to it.
        origin: `seatrial.toml:12`, `environment NAME`, `argument` or `default`.
    """

    path: str
    value: str
    origin: str


def show(config: Config) -> list[Row]:
    """Return every value in force, defaults included, in the order of the file's sections."""
    rows = []
    for path, value in _values(config):
        name = dotted(path)
        rows.append(Row(name, _shown(value), _origin(config.origins, path)))
    return rows


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of seatrial.toml, for editors."""
    from typing import Annotated

    from pydantic import ConfigDict, Field, create_model

    name = Annotated[str, Field(pattern=NAME_PATTERN)]
    target: Any = model_of(TARGET)
    feature: Any = model_of(FEATURE)
    sections: dict[str, Any] = {
        "service": (model_of(SERVICE), Field({}, description="The process.")),
        "targets": (
            dict[name, target],
            Field({}, description="Ways to get an answer, by name."),
        ),
        "features": (dict[name, feature], Field({}, description="AI capabilities, by name.")),
    }
    closed = ConfigDict(extra="forbid", title="seatrial.toml")
    root: Any = create_model("File", __config__=closed, **sections)
    content: dict[str, Any] = root.model_json_schema()
    price = content["$defs"][TARGET[0].__name__]["properties"]["price"]
    price["anyOf"] = [{"$ref": price.pop("$ref")}, {"const": 0}]
    for section in ("targets", "features"):
        content["properties"][section]["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | content


def _values(config: Config) -> Iterator[tuple[Path, object]]:
    yield from _walk(("service",), config.service)
    for name, target in config.targets.items():
        foreign = WIRED if target.provider == "python" else ("call",)
        price = TargetPrice(config.prices[name])
        for settings in (target, config.rules[name], price):
            for path, value in _walk(("targets", name), settings):
                if path[2] not in foreign:
                    yield path, value
    for name, feature in config.features.items():
        yield from _walk(("features", name), feature)


def _walk(path: Path, value: Any) -> Iterator[tuple[Path, object]]:
    if is_dataclass(value):
        known = model_of(_kinds_at(path)).model_fields if len(path) <= 2 else None
        for field in fields(value):
            if known is None or field.name in known:
                yield from _walk((*path, field.name), getattr(value, field.name))
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _walk((*path, key), inner)
    else:
        yield path, value


def _kinds_at(path: Path) -> tuple[type, ...]:
    return {"service": SERVICE, "targets": TARGET, "features": FEATURE}[str(path[0])]


def _shown(value: object) -> str:
    """Write a value as TOML does; secrets are references, and what looks like one is hidden."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(mask(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(each) for each in value)}]"
    if isinstance(value, Mapping):
        inner = (f"{key} = {_shown(each)}" for key, each in value.items())
        return f"{{{', '.join(inner)}}}"
    return str(value)


def _origin(origins: Mapping[str, str], path: Path) -> str:
    while path:
        if dotted(path) in origins:
            return origins[dotted(path)]
        path = path[:-1]
    return "default"
