"""Sections [features.NAME]: routes that lead somewhere, and requirements that can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from seatrial.config.checks import check_input
from seatrial.config.features import FeatureSettings, Requirements
from seatrial.config.outputs import check_output
from seatrial.config.reading import Reading
from seatrial.config.secrets import Fault
from seatrial.config.shape import FEATURE, build, fit
from seatrial.config.toml import Path
from seatrial.config.wording import listed, nearest, shown
from seatrial.improvement import prompts
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.limits import LimitSettings
from seatrial.reliability.settings import BUILT_IN, TargetRules

LAST: Final = ("say", "human")
PROMPT_MOST_BYTES: Final = 1024 * 1024
MINUTES_PER_DAY: Final = 24 * 60


def read_feature(
    name: str, raw: Mapping[str, Any], targets: Mapping[str, str | None], reading: Reading
) -> FeatureSettings | None:
    """Return a feature's settings, and report what is wrong; None when unusable.

    Args:
        name: its name.
        raw: its section as read.
        targets: the model of each target by name; what could not be read is there as well.
        reading: takes problems and warnings.
    """
    at: Path = ("features", name)
    values = fit(FEATURE, raw, at, reading.report)
    if values is None:
        return None
    settings: FeatureSettings = build(FeatureSettings, values)
    # What was wrong was reported, and is a default now: only what was written can contradict.
    if not settings.route:
        reading.report((*at, "route"), "is empty.", "Name at least one target.")
    _check_places(name, settings.route, targets, reading)
    _check_order(settings.route, (*at, "route"), reading)
    _check_say(settings, raw, at, reading)
    _check_requirements(settings.requirements, (*at, "requirements"), reading)
    _check_reach(settings, at, reading)
    _warn_of_hedge(settings, (*at, "hedge"), reading)
    _warn_of_loose_limits(settings.limits, (*at, "limits"), reading)
    check_input(settings.input, (*at, "input"), targets, reading)
    check_output(settings.output, (*at, "output"), reading)
    return settings


def _warn_of_hedge(settings: FeatureSettings, at: Path, reading: Reading) -> None:
    """Warn of second calls that nobody could take."""
    called = [place for place in settings.route if place not in BUILT_IN]
    if settings.hedge.share > 0 and len(called) < 2:
        message = "does nothing: the route has no second target that is called."
        reading.warn(at, message, "Add one to the route, or take this out.")


def read_prompt(name: str, settings: FeatureSettings, reading: Reading) -> prompts.Prompt | None:
    """Return a feature's prompt, and report what is wrong with it; None without one."""
    if settings.prompt is None:
        return None
    path: Path = ("features", name, "prompt")
    if not settings.prompt.strip():
        reading.report(path, "is empty.", "Name a file, or leave it out.")
        return None
    file = reading.folder / settings.prompt
    content = reading.read(file, most_bytes=PROMPT_MOST_BYTES)
    if isinstance(content, Fault):
        hint = _near_file(settings.prompt, reading) if "there is no" in content.message else ""
        reading.report(path, content.message, content.hint or hint)
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"{settings.prompt}, line {line}: this is not UTF-8 text."
        reading.report(path, message, "Save the file as UTF-8.")
        return None
    parsed = prompts.parse(text)
    if isinstance(parsed, prompts.Prompt):
        return parsed
    for flaw in parsed:
        message = f"{settings.prompt}, line {flaw.line}: {flaw.message}"
        reading.report(path, message, flaw.hint)
    return None


def warn_of_unused(
    targets: Mapping[str, TargetSettings],
    features: Mapping[str, FeatureSettings],
    reading: Reading,
) -> None:
    """Warn of targets that no route names."""
    used = {place for feature in features.values() for place in feature.asks}
    for name in targets:
        if name not in used:
            message = "no route names it, so it is never asked."
            reading.warn(("targets", name), message, "Add it to a route, or take it out.")


def warn_of_late_timers(
    rules: Mapping[str, TargetRules],
    raw: Mapping[str, Any],
    features: Mapping[str, FeatureSettings],
    reading: Reading,
) -> None:
    """Warn of limits of time that were written and that the deadline always ends first."""
    for name, target in rules.items():
        users = [each for each in features.items() if name in each[1].route]
        if not users:
            continue
        feature, settings = max(users, key=lambda each: each[1].requirements.deadline_s)
        deadline_s = settings.requirements.deadline_s
        for key in raw.get(name, {}).get("timers", {}):
            limit_s = getattr(target.timers, key, None)
            if key.endswith("_s") and key != "floor_tokens_s" and (limit_s or 0) >= deadline_s:
                message = f"can never be reached: {feature} gives up after {deadline_s:g} seconds."
                hint = "Make it smaller, or raise deadline_s in the requirements."
                reading.warn(("targets", name, "timers", key), message, hint)


def _check_places(
    feature: str, route: tuple[str, ...], targets: Mapping[str, str | None], reading: Reading
) -> None:
    """Report places of the route that name nothing, or name it twice."""
    at: Path = ("features", feature, "route")
    for i, place in enumerate(route):
        if place in route[:i]:
            hint = "Keep the first; second tries are set by the target's retry.tries."
            reading.report((*at, i), f"{shown(place)} stands in the route twice.", hint)
        elif place == feature and place in targets:
            message = f"{shown(place)} is a target and this feature's own function at once."
            reading.report((*at, i), message, "Give the target another name.")
        elif place not in targets and place not in BUILT_IN and place != feature:
            reading.report((*at, i), f"there is no target {shown(place)}.", _meant(place, targets))


def _meant(place: str, targets: Mapping[str, str | None]) -> str:
    """Return which target was probably meant."""
    for name, model in targets.items():
        if model == place:
            return f'That is the model of the target "{name}": write "{name}".'
    if near := nearest(place, [*targets, *BUILT_IN]):
        return f'Did you mean "{near}"?'
    if targets:
        names = listed([*targets, *BUILT_IN])
        return f"Write [targets.{place}], or one of {names}."
    return f"Write a section [targets.{place}]."


def _check_order(route: tuple[str, ...], at: Path, reading: Reading) -> None:
    """Report places that no request ever comes to, and places that never have anything."""
    for i, place in enumerate(route):
        ends = next((each for each in route[:i] if each in LAST), None)
        if ends and place != ends:
            message = f'{shown(place)} is never asked: "{ends}" before it always answers.'
            reading.report((*at, i), message, f'Put "{ends}" last, or take {shown(place)} out.')
    if route and route[0] == "cache":
        message = '"cache" has nothing to serve before a target has answered.'
        hint = "Put a target before it." if len(route) > 1 else "Add a target before it."
        reading.report((*at, 0), message, hint)


def _check_say(
    settings: FeatureSettings, raw: Mapping[str, Any], at: Path, reading: Reading
) -> None:
    last = next((place for place in settings.route if place in LAST), None)
    hands_off = settings.on_refusal == "hand_off"
    if "say" in raw and isinstance(raw["say"], str) and not settings.say.strip():
        reading.report((*at, "say"), "is empty.", "Write what the caller is to read.")
    elif not settings.say and "say" not in raw and last:
        message = f'is missing: it is what the caller reads at "{last}".'
        reading.report((*at, "say"), message, 'Write say = "Thank you. We will write to you."')
    elif not settings.say and "say" not in raw and hands_off:
        message = 'is missing: it is what the caller reads when on_refusal is "hand_off".'
        reading.report((*at, "say"), message, 'Write say = "Thank you. We will write to you."')
    elif settings.say and not last and not hands_off and settings.route:
        message = "no caller will ever read it: the route does not end in say or human."
        reading.warn((*at, "say"), message, 'Add "say" to the end of the route.')


def _check_requirements(needs: Requirements, at: Path, reading: Reading) -> None:
    for key in ("first_token_s", "latency_p95_s"):
        limit_s = getattr(needs, key)
        if limit_s is not None and limit_s > needs.deadline_s:
            message = (
                f"can never be missed: deadline_s ends all after {needs.deadline_s:g} seconds."
            )
            reading.report((*at, key), message, "Make it smaller, or raise deadline_s.")
    if needs.requests_day and needs.peak_rpm:
        most = needs.peak_rpm * MINUTES_PER_DAY
        if needs.requests_day > most:
            message = f"cannot be: with peak_rpm = {needs.peak_rpm} a day has {most:,} at most."
            reading.report((*at, "requests_day"), message, "Raise peak_rpm, or lower this.")


def _check_reach(settings: FeatureSettings, at: Path, reading: Reading) -> None:
    """Warn of tiers and rules that a request hardly ever comes to."""
    asked = [place for place in settings.route if place not in BUILT_IN]
    if len(asked) > settings.max_attempts:
        left_out = listed([shown(each) for each in asked[settings.max_attempts :]], last="and")
        message = f"{settings.max_attempts} attempts may all be spent before {left_out}."
        reading.warn((*at, "max_attempts"), message, f"Write at least {len(asked)}.")
    if settings.on_refusal == "next" and len(settings.route) == 1:
        message = '"next" has no next target to ask.'
        reading.warn((*at, "on_refusal"), message, "Add one to the route.")


def _warn_of_loose_limits(limits: LimitSettings, at: Path, reading: Reading) -> None:
    """Warn of limits that another one always comes before."""
    for what in ("requests", "tokens"):
        for key in (f"key_{what}", f"user_{what}"):
            for span in ("minute", "day"):
                own, whole = getattr(limits, f"{key}_{span}"), getattr(limits, f"{what}_{span}")
                if own is not None and whole is not None and own > whole:
                    message = f"can never be reached: {what}_{span} is {whole:,}."
                    reading.warn((*at, f"{key}_{span}"), message, "Make it smaller.")


def _near_file(prompt: str, reading: Reading) -> str:
    """Name a file of nearly the same name beside the missing one."""
    file = reading.folder / prompt
    beside = [each.name for each in file.parent.iterdir()] if file.parent.is_dir() else []
    near = nearest(file.name, beside)
    return f"Did you mean {near}?" if near else "Make it, or leave prompt out."
