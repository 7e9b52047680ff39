"""Read seatrial.toml whole: every problem at once, or one immutable configuration."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

from seatrial.config.addresses import counters_address, split_listen, store_address
from seatrial.config.caches import check_caches
from seatrial.config.checks import FoundChecks, find_checks
from seatrial.config.features import FeatureSettings
from seatrial.config.prices import check_budgets, read_prices
from seatrial.config.reading import Reading
from seatrial.config.routes import (
    read_feature,
    read_prompt,
    warn_of_late_timers,
    warn_of_unused,
)
from seatrial.config.secrets import Fault, conceal, is_reference
from seatrial.config.service import ServiceSettings
from seatrial.config.shape import NAME_PATTERN, SERVICE, build, fit, settings_of
from seatrial.config.targets import find_functions, read_target
from seatrial.config.toml import Document, Path, dotted, read, split
from seatrial.config.wording import nearest, shown
from seatrial.errors import ConfigError, Problem
from seatrial.improvement.prompts import Prompt
from seatrial.prices import PriceSettings
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.settings import BUILT_IN, TargetRules
from seatrial.values.prices import PriceCard
from seatrial.values.secrets import Secret

MOST_BYTES: Final = 4 * 1024 * 1024
PREFIX: Final = "SEATRIAL_"
SECTIONS: Final = ("service", "targets", "features")


@dataclass(frozen=True, slots=True)
class Config:
    """The effective configuration: immutable, replaced whole on a reload.

    Args:
        path: of the file.
        service: settings of the process.
        targets: what each target is and where it is reached, by name.
        rules: how each target is treated, by name.
        features: settings of each feature, by name.
        prompts: the prompt of each feature that has one, by feature.
        inputs: what the settings of each feature's input checks name, by feature.
        outputs: the same of its output checks.
        functions: the function of each Python target, by target.
        secrets: by reference, as the settings write it.
        store: the address of the store with its whole path; it may hold a password.
        counters: the address of the shared counters; empty without; it may hold a password.
        journal: the folder for what the store has not taken yet.
        warnings: what is probably not meant.
        files: digest of every file that was read.
        origins: where each value came from that is no default, by dotted path.
        prices: what the operator says that each target costs, by name.
        cards: what each target costs, by name, where that is known.
    """

    path: File
    service: ServiceSettings
    targets: Mapping[str, TargetSettings]
    rules: Mapping[str, TargetRules]
    features: Mapping[str, FeatureSettings]
    prompts: Mapping[str, Prompt]
    functions: Mapping[str, Callable[..., Any]]
    secrets: Mapping[str, Secret]
    store: Secret
    journal: File
    counters: Secret
    inputs: Mapping[str, FoundChecks] = field(default_factory=dict, repr=False)
    outputs: Mapping[str, FoundChecks] = field(default_factory=dict, repr=False)
    warnings: tuple[Problem, ...] = ()
    files: Mapping[File, str] = field(default_factory=dict, repr=False)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: Mapping[str, PriceSettings] = field(default_factory=dict, repr=False)
    cards: Mapping[str, PriceCard] = field(default_factory=dict, repr=False)

    @property
    def listen(self) -> tuple[str, int]:
        """Return the host and the port to listen on."""
        where = split_listen(self.service.listen)
        assert not isinstance(where, Fault), "checked when it was read"  # noqa: S101
        return where


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of reading a configuration.

    Args:
        config: the configuration, or None.
        error: why there is none, or None.
        files: digest of every file looked at, those that were missing too.
    """

    config: Config | None
    error: ConfigError | None
    files: Mapping[File, str]


def load(
    path: str | File,
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Return the configuration in a file.

    Args:
        path: of the file; paths inside it start at its folder.
        overrides: values by dotted path, which win over everything else.
        environ: the environment, for secrets and `SEATRIAL_SERVICE__…`; the process's own
            when None.

    Raises:
        ConfigError: with every problem found.
    """
    loaded = attempt(path, overrides=overrides, environ=environ)
    if loaded.config is None:
        assert loaded.error is not None  # noqa: S101 - one of the two is there
        raise loaded.error
    return loaded.config


def attempt(
    path: str | File,
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    with_keys: bool = True,
) -> Loaded:
    """Do the same as `load`, and return the error as a value, with the files to watch.

    `with_keys=False` leaves the targets' API keys where they are: nothing is asked then.
    """
    file = File(path).absolute()
    reading = Reading(file.parent, os.environ if environ is None else environ, with_keys)
    config = None
    document = _read_document(file, reading)
    if document is not None:
        reading.lines = document.lines
        raw = _merge(document.values, overrides or {}, reading)
        config = _check(file, raw, reading)
    if config is None or reading.problems:
        problems = tuple(sorted(reading.problems, key=lambda problem: problem.line))
        return Loaded(None, ConfigError(str(path), problems), reading.files)
    return Loaded(config, None, reading.files)


def _read_document(file: File, reading: Reading) -> Document | None:
    content = reading.read(file, most_bytes=MOST_BYTES)
    if isinstance(content, Fault):
        missing = not file.exists()
        hint = "Write a first one with: seatrial init" if missing else content.hint
        reading.problems.append(Problem("the file", content.message, hint))
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = "Save the file as UTF-8."
        reading.problems.append(Problem(f"line {line}", "this is not UTF-8 text.", hint))
        return None
    document = read(text)
    if isinstance(document, Problem):
        reading.problems.append(document)
        return None
    return document


def _merge(
    values: dict[str, Any], overrides: Mapping[str, object], reading: Reading
) -> dict[str, Any]:
    """Return the file's values with those of the environment and the arguments on top."""
    raw = copy.deepcopy(values)
    known = settings_of(SERVICE)
    for name, text in reading.environ.items():
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if section != "service":
            message = "only keys of [service] can come from the environment."
            hint = "Write this one into the file."
            reading.problems.append(Problem(f"environment {name}", message, hint))
        elif key not in known:
            near = nearest(key, known)
            hint = f"Did you mean {PREFIX}SERVICE__{near.upper()}?" if near else "Unset it."
            message = f"[service] has no key {key}."
            reading.problems.append(Problem(f"environment {name}", message, hint))
        else:
            _put(raw, ("service", key), _typed(known[key].annotation, text))
            reading.given["service", key] = f"environment {name}"
    for dots, value in overrides.items():
        try:
            path = split(dots)
        except ValueError:
            message = f"{shown(dots)} is no path of a setting."
            hint = "It looks like service.listen."
            reading.problems.append(Problem("an argument", message, hint))
            continue
        plain: object = list(value) if isinstance(value, tuple) else value
        if path[0] == "service" and isinstance(plain, str) and path[-1] in known:
            plain = _typed(known[path[-1]].annotation, plain)
        _put(raw, path, plain)
        reading.given[path] = "argument"
    return raw


def _put(raw: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for part in path[:-1]:
        inner = raw.get(part)
        if not isinstance(inner, dict):
            inner = raw[part] = {}
        raw = inner
    raw[path[-1]] = value


def _typed(annotation: Any, text: str) -> object:
    """Return a text from outside the file as the type wanted; as it stands when it is none."""
    if annotation is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if annotation in {int, float}:
        try:
            return annotation(text)
        except ValueError:
            return text
    return text


def _check(file: File, raw: dict[str, Any], reading: Reading) -> Config | None:
    """Check everything, and return the configuration when it can be had."""
    sections = {name: _section(raw, name, reading) for name in SECTIONS}
    for name in raw:
        if name not in SECTIONS:
            near = nearest(name, SECTIONS)
            hint = f"Did you mean [{near}]?" if near else "There are service, targets and features."
            reading.report((name,), f"there is no section {shown(name)}.", hint)
    service, store = _read_service(sections["service"], reading)
    counters = _read_counters(service, reading)
    targets: dict[str, TargetSettings] = {}
    rules: dict[str, TargetRules] = {}
    prices: dict[str, PriceSettings] = {}
    for name, section in _named(sections["targets"], "targets", reading):
        if read_one := read_target(name, section, reading):
            targets[name], rules[name], prices[name] = read_one
    models = {name: _model(section) for name, section in sections["targets"].items()}
    features: dict[str, FeatureSettings] = {}
    prompts: dict[str, Prompt] = {}
    inputs: dict[str, FoundChecks] = {}
    outputs: dict[str, FoundChecks] = {}
    for name, section in _named(sections["features"], "features", reading):
        if settings := read_feature(name, section, models, reading):
            features[name] = settings
            inputs[name] = find_checks(settings.input, ("features", name, "input"), reading)
            outputs[name] = find_checks(settings.output, ("features", name, "output"), reading)
            if prompt := read_prompt(name, settings, reading):
                prompts[name] = prompt
    functions = find_functions(targets, reading)
    cards = read_prices(targets, prices, reading)
    check_budgets(features, targets, cards, reading)
    check_caches(features, targets, models, reading)
    if not reading.problems:
        warn_of_unused(targets, features, reading)
        warn_of_late_timers(rules, sections["targets"], features, reading)
        if not features:
            reading.warn(
                ("features",), "no feature is described, so the gateway has nothing to serve."
            )
    if service is None or reading.problems:
        return None
    return Config(
        path=file,
        service=service,
        targets=targets,
        rules=rules,
        prices=prices,
        cards=cards,
        features=features,
        prompts=prompts,
        inputs=inputs,
        outputs=outputs,
        functions=functions,
        secrets=reading.secrets,
        store=store,
        counters=counters,
        journal=reading.folder / File(service.journal).expanduser(),
        warnings=tuple(reading.warnings),
        files=reading.files,
        origins=_origins(raw, reading, file.name),
    )


def _section(raw: Mapping[str, Any], name: str, reading: Reading) -> dict[str, Any]:
    section = raw.get(name, {})
    if isinstance(section, dict):
        return section
    example = name if name == "service" else f"{name}.NAME"
    reading.report((name,), f"should be a table, not {shown(section)}.", f"Write [{example}].")
    return {}


def _named(
    sections: Mapping[str, Any], kind: str, reading: Reading
) -> list[tuple[str, dict[str, Any]]]:
    """Return the named sections of one kind, and report names that cannot be."""
    good = []
    for name, section in sections.items():
        path: Path = (kind, name)
        if not isinstance(section, dict):
            message = f"should be a table, not {shown(section)}."
            known = "provider" if kind == "targets" else "route"
            reading.report(path, message, f"Write [{kind}.NAME] and below it {known} = ….")
            continue
        if name in BUILT_IN:
            hint = 'Give it another name; in a route, "cache", "say" and "human" are always there.'
            reading.report(path, f"{shown(name)} is the name of a built-in target.", hint)
        elif not re.fullmatch(NAME_PATTERN, name):
            tidy = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64]
            message = (
                "a name has up to 64 small letters, digits and . _ -, a letter or digit first."
            )
            reading.report(path, message, f"Write [{dotted((kind, tidy))}]." if tidy else "")
        good.append((name, section))
    return good


def _model(section: object) -> str | None:
    model = section.get("model") if isinstance(section, dict) else None
    return model if isinstance(model, str) else None


def _read_service(
    raw: Mapping[str, Any], reading: Reading
) -> tuple[ServiceSettings | None, Secret]:
    """Return the settings of the process and the whole address of its store."""
    values = fit(SERVICE, raw, ("service",), reading.report)
    if values is None:
        return None, Secret("")
    service: ServiceSettings = build(ServiceSettings, values)
    where = split_listen(service.listen)
    if isinstance(where, Fault):
        reading.report(("service", "listen"), where.message, where.hint)
    path: Path = ("service", "store")
    given = service.store
    in_file = not reading.origin(path)
    if is_reference(service.store):
        reading.resolve(service.store, path)
        if service.store not in reading.secrets:
            return service, Secret("")
        given, in_file = reading.secrets[service.store].reveal(), False
    address = store_address(given, folder=reading.folder, in_file=in_file)
    if isinstance(address, Fault):
        reading.report(path, conceal(address.message), address.hint)
        return service, Secret("")
    if address.startswith("sqlite:") and not File(address[7:]).parent.is_dir():
        # Not a problem: a store that is away never stops an answer.
        message = f"there is no folder {File(address[7:]).parent}, so no record can be stored yet."
        reading.warn(path, message, "Make it, or name another file.")
    if not service.journal.strip():
        reading.report(("service", "journal"), "is empty.", "Name a folder, or leave it out.")
    six_months = 180
    if service.retention_days < six_months and "retention_days" in raw:
        message = "is less than the six months that the EU's AI Act asks of high-risk systems."
        reading.warn(("service", "retention_days"), message, "Keep it if yours is none.")
    return service, Secret(address)


def _read_counters(service: ServiceSettings | None, reading: Reading) -> Secret:
    """Return the address of the shared counters; empty where there are none."""
    if service is None or not service.counters:
        return Secret("")
    path: Path = ("service", "counters")
    given, in_file = service.counters, not reading.origin(path)
    if is_reference(given):
        reading.resolve(given, path)
        if given not in reading.secrets:
            return Secret("")
        given, in_file = reading.secrets[given].reveal(), False
    address = counters_address(given, in_file=in_file)
    if isinstance(address, Fault):
        reading.report(path, conceal(address.message), address.hint)
        return Secret("")
    return Secret(address)


def _origins(raw: Mapping[str, Any], reading: Reading, name: str) -> dict[str, str]:
    """Return where each value came from, by dotted path."""
    origins = {}

    def walk(value: object, path: Path) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(inner, (*path, key))
        else:
            origins[dotted(path)] = reading.origin(path) or f"{name}:{reading.line(path)}"

    walk(raw, ())
    return origins
