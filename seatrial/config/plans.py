"""From settings to what the engine follows: a plan per feature, with its release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

from seatrial.config.functions import source_of
from seatrial.config.loading import Config
from seatrial.config.secrets import is_reference
from seatrial.deployment.releases import Tier, release_content, release_id
from seatrial.ports import ReleaseRow
from seatrial.reliability.checks.incoming import InputPlan
from seatrial.reliability.checks.language import Identify
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import InputSettings
from seatrial.reliability.checks.shape import Shape
from seatrial.reliability.checks.signature import Hints
from seatrial.reliability.judging import INJECTION, Judge
from seatrial.reliability.settings import BUILT_IN, Plan, Policy, TargetRules
from seatrial.reliability.similarity import CachePlan, CacheSettings
from seatrial.values.checks import Says

_NO_SOURCES: Mapping[str, str] = MappingProxyType({})
_NO_HINTS: Mapping[str, Hints] = MappingProxyType({})


def build_plans(
    config: Config,
    *,
    sources: Mapping[str, str] = _NO_SOURCES,
    hints: Mapping[str, Hints] = _NO_HINTS,
    identify: Identify | None = None,
) -> Mapping[str, Plan]:
    """Return the plan of every feature, by name.

    Args:
        config: the configuration.
        sources: normalised source of decorated functions, by feature (`source_of`); those
            that targets name by `call` are known already.
        hints: type hints of decorated functions, by feature.
        identify: tells languages apart; None where nothing can.
    """
    known = _sources(config, sources)
    return {name: _plan(config, name, known, hints.get(name), identify) for name in config.features}


def release_rows(
    config: Config,
    *,
    sources: Mapping[str, str] = _NO_SOURCES,
    commit: str = "",
    dirty: bool = False,
    first_seen: float = 0.0,
) -> tuple[ReleaseRow, ...]:
    """Return the release of every feature as it is remembered.

    Args:
        config: the configuration.
        sources: as for `build_plans`.
        commit: of the git checkout; see `config.git`.
        dirty: whether files there were changed since.
        first_seen: wall clock, seconds.
    """
    known = _sources(config, sources)
    rows = []
    for name in config.features:
        content = _content(config, name, known)
        rows.append(ReleaseRow(release_id(content), name, content, commit, dirty, first_seen))
    return tuple(rows)


def _sources(config: Config, given: Mapping[str, str]) -> dict[str, str]:
    return {name: source_of(function) for name, function in config.functions.items()} | dict(given)


def _plan(
    config: Config,
    name: str,
    sources: Mapping[str, str],
    hints: Hints | None,
    identify: Identify | None,
) -> Plan:
    feature = config.features[name]
    prompt = config.prompts.get(name)
    return Plan(
        feature=name,
        release=release_id(_content(config, name, sources)),
        route=tuple(_rules(config, name, place) for place in feature.route),
        policy=Policy(
            deadline_s=feature.requirements.deadline_s,
            on_refusal=feature.on_refusal,
            buffer_tokens=feature.buffer_tokens,
            max_attempts=feature.max_attempts,
            repairs=feature.output.repairs,
        ),
        say=feature.say,
        prompt=prompt.template if prompt else None,
        prompt_version=prompt.version if prompt else "",
        input=_input_plan(feature.input, config.inputs[name].shape, hints, identify),
        output=OutputPlan(feature.output, config.outputs[name].shape, identify),
        judge=_judge(config, feature.input),
        cache=_cache(config, feature.cache, sources),
        hedge=feature.hedge if feature.hedge.share > 0 else None,
    )


def _cache(config: Config, settings: CacheSettings, sources: Mapping[str, str]) -> CachePlan | None:
    """Return how kept answers are used; None for the usual way."""
    if settings == CacheSettings():
        return None
    if settings.similar is None:
        return CachePlan(settings)
    name = settings.embeddings
    space = json.dumps(_who(_tier(config, "", name, sources)), sort_keys=True)
    return CachePlan(settings, config.rules[name], f"{name} {space}")


def _judge(config: Config, settings: InputSettings) -> Judge | None:
    """Return who judges inputs; None when nobody does."""
    if not settings.injection_judge or settings.injection == "off":
        return None
    target = config.rules[settings.injection_judge]
    return Judge(target, INJECTION, Says(settings.injection), settings.check_s)


def _input_plan(
    settings: InputSettings, shape: Shape | None, hints: Hints | None, identify: Identify | None
) -> InputPlan | None:
    """Return the checks of inputs; None when there is nothing to ask."""
    plan = InputPlan(settings, shape, hints if settings.types else None, identify)
    return None if plan.idle and not settings.checks else plan


def _rules(config: Config, feature: str, place: str) -> TargetRules:
    match place:
        case "cache" | "say" | "human":
            return TargetRules(place, kind=place)
        case _ if place == feature:
            return TargetRules(place, kind="python")
        case _:
            return config.rules[place]


def _content(config: Config, name: str, sources: Mapping[str, str]) -> str:
    feature = config.features[name]
    prompt = config.prompts.get(name)
    return release_content(
        name,
        route=[_tier(config, name, place, sources) for place in feature.route],
        on_refusal=feature.on_refusal,
        say=feature.say,
        prompt_version=prompt.version if prompt else "",
        checks={
            "input": _with_judge(config, name, sources),
            "output": config.outputs[name].content,
        },
        cache=_cached_by(config, name, sources),
    )


def _with_judge(config: Config, name: str, sources: Mapping[str, str]) -> Mapping[str, object]:
    """Return what counts of the input's checks; of a judge that is who it is, not its name."""
    content, judge = config.inputs[name].content, config.features[name].input.injection_judge
    if not judge:
        return content
    return {**content, "injection_judge": _who(_tier(config, name, judge, sources))}


def _cached_by(config: Config, name: str, sources: Mapping[str, str]) -> Mapping[str, object]:
    """Return what counts of the cache's settings; how old an answer may be does not."""
    settings = config.features[name].cache
    content: dict[str, object] = {"front": True} if settings.front else {}
    if settings.similar is not None:
        content["similar"] = settings.similar
        content["embeddings"] = _who(_tier(config, name, settings.embeddings, sources))
    return content


def _who(tier: Tier) -> dict[str, object]:
    return {key: each for key, each in asdict(tier).items() if each}


def _tier(config: Config, feature: str, place: str, sources: Mapping[str, str]) -> Tier:
    if place in BUILT_IN:
        return Tier(place)
    if place == feature:
        return Tier("python", source=sources.get(place, ""))
    settings = config.targets[place]
    if settings.provider == "python":
        return Tier("python", source=sources.get(place, ""))
    plain = {key: value for key, value in settings.headers.items() if not is_reference(value)}
    return Tier(
        "model",
        provider=settings.provider,
        model=settings.model or "",
        parameters=settings.parameters,
        headers=plain,
    )
