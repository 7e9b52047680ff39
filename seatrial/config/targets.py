"""Sections [targets.NAME]: what fits each kind of target, and what would do nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, Final

from seatrial.config.addresses import check_base_url, is_open_way
from seatrial.config.functions import find_function
from seatrial.config.prices import plainly
from seatrial.config.reading import Reading
from seatrial.config.secrets import Fault, is_reference, is_secret_name
from seatrial.config.shape import TARGET, build, fit, settings_of
from seatrial.config.toml import Path
from seatrial.config.wording import shown
from seatrial.prices import PriceSettings
from seatrial.providers.settings import BASE_URLS, TargetSettings
from seatrial.reliability.settings import TargetRules

# Only for targets that are reached over HTTP.
WIRED: Final = ("model", "base_url", "api_key", "parameters", "headers", "max_answer_bytes")
_SECRET_PARAMETER: Final = re.compile(r"(?i)api_?key|authorization|password|secret|access_token")
# The engine writes these itself.
_OURS: Final = ("model", "messages", "stream", "stream_options", "n")


def read_target(
    name: str, raw: Mapping[str, Any], reading: Reading
) -> tuple[TargetSettings, TargetRules, PriceSettings] | None:
    """Return a target's settings, rules and price, and report what is wrong; None when unusable."""
    at: Path = ("targets", name)
    raw = plainly(raw)
    values = fit(TARGET, raw, at, reading.report)
    if values is None:
        return None
    settings: TargetSettings = build(TargetSettings, values)
    price: PriceSettings = values["price"]
    if raw.get("provider", settings.provider) != settings.provider:
        return settings, TargetRules(name), price  # reported; nothing else can be said about it
    kind = "python" if settings.provider == "python" else "model"
    rules: TargetRules = build(TargetRules, values, name=name, kind=kind)
    if settings.provider == "python":
        _check_python(settings, raw, at, reading)
    else:
        _check_wired(settings, raw, at, reading)
    _check_timers(rules, raw.get("timers", {}), at, reading)
    return settings, rules, price


def find_functions(
    targets: Mapping[str, TargetSettings], reading: Reading
) -> dict[str, Callable[..., Any]]:
    """Return the function of every Python target, and report those that cannot be had."""
    functions = {}
    for name, settings in targets.items():
        if settings.provider == "python" and settings.call:
            found = find_function(settings.call, reading.folder)
            if isinstance(found, Fault):
                reading.report(("targets", name, "call"), found.message, found.hint)
            else:
                functions[name] = found
    return functions


def _check_python(
    settings: TargetSettings, raw: Mapping[str, Any], at: Path, reading: Reading
) -> None:
    for key in WIRED:
        if key in raw:
            message = "does nothing: a Python function is called here, not a server."
            reading.report((*at, key), message, "Take it out.")
    if not settings.call and "call" not in raw:
        reading.report(
            at, "does not say which function to call.", 'Write call = "module:function".'
        )
    elif not settings.call:
        reading.report((*at, "call"), "is empty.", 'Write call = "module:function".')


def _check_wired(
    settings: TargetSettings, raw: Mapping[str, Any], at: Path, reading: Reading
) -> None:
    provider = settings.provider
    if "call" in raw:
        message = f'does nothing: the provider is "{provider}".'
        reading.report((*at, "call"), message, 'For a function, write provider = "python".')
    own = "base_url" not in raw
    # A misspelt key was reported, and may be what seems to be missing.
    sure = not set(raw) - set(settings_of(TARGET))
    if sure and "model" not in raw and (own or provider == "anthropic"):
        hint = 'Write model = "…" with the name that the provider uses.'
        reading.report(at, "does not say which model.", hint)
    elif settings.model is not None and not settings.model.strip():
        reading.report((*at, "model"), "is empty.", "Write the model as the provider calls it.")
    if sure and own and "api_key" not in raw:
        host = BASE_URLS[provider].removeprefix("https://").partition("/")[0]
        hint = (
            f'Write api_key = "env:{provider.upper()}_API_KEY", or the base_url of your own server.'
        )
        reading.report(at, f"has no api_key, and {host} answers nobody without one.", hint)
    _check_addresses(settings, raw, at, reading)
    _check_keys(settings, raw, at, reading)
    _check_headers(settings.headers, (*at, "headers"), reading)
    _check_parameters(settings.parameters, (*at, "parameters"), reading)


def _check_addresses(
    settings: TargetSettings, raw: Mapping[str, Any], at: Path, reading: Reading
) -> None:
    for path, address in _each("base_url", settings.base_url, raw, at):
        if fault := check_base_url(address):
            reading.report(path, fault.message, fault.hint)
        elif settings.api_keys and is_open_way(address):
            message = "sends the api_key to another machine without encryption."
            reading.warn(path, message, "Use https:// where the server has it.")
    addresses = settings.base_urls
    if len(set(addresses)) < len(addresses):
        reading.report((*at, "base_url"), "names the same address twice.", "Keep one.")


def _check_keys(
    settings: TargetSettings, raw: Mapping[str, Any], at: Path, reading: Reading
) -> None:
    for path, key in _each("api_key", settings.api_key, raw, at):
        if is_reference(key):
            if reading.with_keys:
                reading.resolve(key, path)
        else:
            name = f"{settings.provider.upper()}_API_KEY"
            reading.report(
                path,
                "must be a reference: a key does not belong in a file that people share."
                if key
                else "is empty.",
                f'Write "env:{name}" or "file:/path/to/key"'
                + (", and change a key that was shared." if key else "."),
            )
    if len(set(settings.api_keys)) < len(settings.api_keys):
        reading.report((*at, "api_key"), "names the same key twice.", "Keep one.")


def _check_headers(headers: Mapping[str, str], at: Path, reading: Reading) -> None:
    for name, value in headers.items():
        path = (*at, name)
        if is_secret_name(name):
            hint = "Keys are sent by Seatrial: write the reference to yours as api_key."
            reading.report(path, "would put a secret into this file.", hint)
        elif not name or not all(sign.isalnum() or sign in "-_" for sign in name):
            reading.report(path, f"{shown(name)} is no name of a header.", "")
        elif not value.isprintable() or not value.isascii():
            reading.report(path, "has signs that cannot stand in a header.", "Use plain ASCII.")
        elif name.lower() in {"host", "content-length", "content-type", "transfer-encoding"}:
            reading.report(path, "is written by Seatrial itself.", "Take it out.")


def _check_parameters(parameters: Mapping[str, Any], at: Path, reading: Reading) -> None:
    for name in parameters:
        if name in _OURS:
            hint = "The model stands beside provider." if name == "model" else "Take it out."
            reading.report((*at, name), "is decided by Seatrial and the caller.", hint)
        elif _SECRET_PARAMETER.fullmatch(name):
            hint = "Keys are sent by Seatrial: write the reference to yours as api_key."
            reading.report((*at, name), "would put a secret into this file.", hint)
    for path, value in _leaves(parameters, at):
        if isinstance(value, date | time) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            message = f"{shown(value)} cannot be sent to a model."
            reading.report(path, message, "Write a number or a text in quotes.")


def _check_timers(rules: TargetRules, given: Any, at: Path, reading: Reading) -> None:
    """Report limits of which one can never be reached because of another."""
    if not isinstance(given, Mapping):
        return
    timers = rules.timers
    order = ("connect_s", "first_byte_s", "first_token_s", "total_s")
    # A default gives way to what was written; only what was written can contradict.
    limits = [(getattr(timers, key) or math.inf, key) for key in order if key in given]
    for i, (limit_s, sooner) in enumerate(limits):
        tighter = [each for each in limits[i + 1 :] if each[0] < limit_s < math.inf]
        if tighter:
            least_s, later = min(tighter)
            message = f"can never be reached: {later} is {least_s:g}, and both start together."
            hint = f"Make it smaller than {later}, or leave one of them out."
            reading.report((*at, "timers", sooner), message, hint)
    if "gap_s" in given and "total_s" in given and timers.total_s and timers.gap_s > timers.total_s:
        message = f"can never be reached: total_s is {timers.total_s:g}."
        reading.report((*at, "timers", "gap_s"), message, "Leave one of them out.")
    if rules.retry.base_s > rules.retry.cap_s:
        message = f"is more than cap_s ({rules.retry.cap_s:g}), which ends every wait."
        reading.report((*at, "retry", "base_s"), message, "Make it smaller.")
    if rules.breaker.open_s > rules.breaker.open_cap_s:
        message = f"is more than open_cap_s ({rules.breaker.open_cap_s:g}), which ends every rest."
        reading.report((*at, "breaker", "open_s"), message, "Make it smaller.")


def _each(
    key: str, value: str | tuple[str, ...], raw: Mapping[str, Any], at: Path
) -> list[tuple[Path, str]]:
    """Return path and text of each item of a setting that takes one text or several."""
    if key not in raw:
        return []
    if raw[key] == []:
        return [((*at, key), "")]
    if isinstance(value, str):
        # An unfit value was reported, and its default stands here.
        return [((*at, key), value)] if isinstance(raw[key], str) else []
    return [((*at, key, i), item) for i, item in enumerate(value)]


def _leaves(value: Any, at: Path) -> list[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        return [leaf for key, each in value.items() for leaf in _leaves(each, (*at, key))]
    if isinstance(value, list | tuple):
        return [leaf for i, each in enumerate(value) for leaf in _leaves(each, (*at, i))]
    return [(at, value)]
