"""The file seatrial.toml: loaded, checked, shown, watched; and the plans that follow."""

from seatrial.config.features import FeatureSettings, Requirements
from seatrial.config.loading import Config, Loaded, attempt, load
from seatrial.config.plans import build_plans, release_rows
from seatrial.config.service import ServiceSettings

__all__ = [
    "Config",
    "FeatureSettings",
    "Loaded",
    "Requirements",
    "ServiceSettings",
    "addresses",
    "attempt",
    "build_plans",
    "caches",
    "checks",
    "editing",
    "features",
    "functions",
    "git",
    "limits",
    "load",
    "loading",
    "outputs",
    "plans",
    "prices",
    "reading",
    "release_rows",
    "routes",
    "secrets",
    "service",
    "shape",
    "show",
    "targets",
    "toml",
    "watch",
    "wording",
]
