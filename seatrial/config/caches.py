"""Sections [features.NAME.cache]: what could never find an answer, or would find one for ever."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from seatrial.config.features import FeatureSettings
from seatrial.config.reading import Reading
from seatrial.config.toml import Path
from seatrial.config.wording import nearest, shown
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.settings import BUILT_IN
from seatrial.reliability.similarity import CacheSettings


def check_caches(
    features: Mapping[str, FeatureSettings],
    targets: Mapping[str, TargetSettings],
    names: Collection[str],
    reading: Reading,
) -> None:
    """Report what cannot be in the settings of caches.

    Args:
        features: by name.
        targets: by name, those that could be read.
        names: of all targets.
        reading: takes problems and warnings.
    """
    for name, feature in features.items():
        at: Path = ("features", name, "cache")
        settings = feature.cache
        _check_embeddings(settings, at, targets, names, reading)
        if settings.front and settings.max_age_s is None:
            message = "needs max_age_s: else an answer would be given again for ever."
            reading.report((*at, "front"), message, "Write max_age_s = 3600 for an hour.")
        if settings != CacheSettings() and not settings.front and "cache" not in feature.route:
            message = "does nothing: the route has no cache."
            reading.warn(at, message, 'Add "cache" to the route, or write front = true.')


def _check_embeddings(
    settings: CacheSettings,
    at: Path,
    targets: Mapping[str, TargetSettings],
    names: Collection[str],
    reading: Reading,
) -> None:
    wanted, path = settings.embeddings, (*at, "embeddings")
    if not wanted:
        if settings.similar is not None:
            message = "needs a target that turns texts into vectors."
            reading.report((*at, "similar"), message, 'Write embeddings = "NAME".')
    elif wanted in BUILT_IN:
        reading.report(path, f"{shown(wanted)} makes no vectors.", "Name a target that does.")
    elif wanted not in names:
        near = nearest(wanted, names)
        hint = f'Did you mean "{near}"?' if near else f"Write a section [targets.{wanted}]."
        reading.report(path, f"there is no target {shown(wanted)}.", hint)
    elif wanted in targets and targets[wanted].provider == "anthropic":
        message = f"{shown(wanted)} speaks Anthropic's dialect, which has no vectors."
        reading.report(path, message, "Name a target of another provider.")
    elif settings.similar is None:
        message = "is never asked: similar is not set."
        reading.warn(path, message, "Write similar = 0.95, or take this out.")
