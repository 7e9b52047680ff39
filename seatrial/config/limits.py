"""The range of every number that can be set, and what to write instead of a 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seatrial.config.features import FeatureSettings, Requirements
from seatrial.config.service import ServiceSettings
from seatrial.prices.settings import PriceSettings
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.budgets import BudgetSettings
from seatrial.reliability.checks.settings import InputSettings, OutputSettings
from seatrial.reliability.hedging import HedgeSettings
from seatrial.reliability.limits import LimitSettings, TargetLimits
from seatrial.reliability.settings import (
    BreakerSettings,
    RetrySettings,
    TargetRules,
    TimerSettings,
)
from seatrial.reliability.similarity import CacheSettings

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """The range of a number.

    Args:
        least, most: the ends, included.
        above, below: the ends, not included.
        zero: what to do instead, for those who write 0 and mean "none" or "no limit".
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    zero: str = ""

    def __str__(self) -> str:
        parts = []
        if self.above is not None:
            parts.append(f"above {_figure(self.above)}")
        if self.below is not None:
            parts.append(f"below {_figure(self.below)}")
        if self.least is not None and self.most is not None:
            parts.append(f"from {_figure(self.least)} to {_figure(self.most)}")
        elif self.least is not None:
            parts.append(f"at least {_figure(self.least)}")
        elif self.most is not None:
            parts.append(f"at most {_figure(self.most)}")
        return " and ".join(parts)


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _time(most: float, zero: str) -> Limit:
    return Limit(above=0, most=most, zero=zero)


_USD: Final = Limit(least=0, most=1e6)
_BUDGET: Final = Limit(least=0, most=1e9)
_NONE: Final = "Every attempt would fail at once."

_ANY: Final = "Every input would be refused. Leave it out for no limit."

LIMITS: Final[Mapping[type, Mapping[str, Limit]]] = {
    ServiceSettings: {
        "drain_s": Limit(least=0, most=3600),
        "max_body_bytes": Limit(least=1024, most=1024**3),
        "max_bodies_bytes": Limit(least=64 * 1024, most=1024**4),
        "max_in_flight": Limit(
            least=1, most=1_000_000, zero="Nobody would be let in. Leave it out to learn it."
        ),
        "max_memory_bytes": Limit(
            least=64 * 1024**2, most=1024**5, zero="Leave it out for no bound."
        ),
        "max_header_bytes": Limit(least=1024, most=1024**2),
        "max_depth": Limit(least=8, most=500),
        "max_nodes": Limit(least=100, most=50_000_000),
        "retention_days": Limit(
            least=1,
            most=36_500,
            zero="To keep figures without texts, write record_content = false.",
        ),
    },
    LimitSettings: {
        name: Limit(least=1, most=10**12, zero="Nothing would be let in. Leave it out.")
        for name in LimitSettings.__dataclass_fields__
    },
    TargetLimits: {
        name: Limit(least=1, most=10**12, zero="Nothing would be sent. Leave it out.")
        for name in TargetLimits.__dataclass_fields__
    },
    TargetSettings: {"max_answer_bytes": Limit(least=1024, most=1024**3)},
    TargetRules: {
        "concurrency": Limit(
            least=1, most=100_000, zero="To stop using a target, take it out of the routes."
        )
    },
    TimerSettings: {
        "connect_s": _time(120, f"{_NONE} Leave it out for the usual 2 seconds."),
        "first_byte_s": _time(3600, f"{_NONE} Leave it out for the usual 10 seconds."),
        "first_token_s": _time(3600, f"{_NONE} Leave it out, and it is learnt."),
        "gap_s": _time(3600, f"{_NONE} Leave it out for the usual 15 seconds."),
        "total_s": _time(DAY_S, f"{_NONE} Leave it out, and only the feature's deadline holds."),
        "floor_tokens_s": Limit(least=0, most=10_000),
    },
    RetrySettings: {
        "tries": Limit(least=1, most=5, zero="The first try counts: write 1 for no second one."),
        "base_s": _time(60, "For no second try, write tries = 1."),
        "cap_s": _time(600, "For no second try, write tries = 1."),
    },
    BreakerSettings: {
        "consecutive": Limit(least=1, most=1000),
        "window_s": _time(3600, "Leave it out for the usual 30 seconds."),
        "min_attempts": Limit(least=1, most=100_000),
        "failure_share": Limit(above=0, most=1),
        "slow_share": Limit(above=0, most=1),
        "open_s": _time(3600, "Leave it out for the usual 5 seconds."),
        "open_cap_s": _time(DAY_S, "Leave it out for the usual 12 seconds."),
        "good_to_close": Limit(least=1, most=100),
        "ramp_s": Limit(least=0, most=3600),
    },
    FeatureSettings: {
        "buffer_tokens": Limit(
            least=1,
            most=10_000,
            zero="The first useful token is always held until the answer is sure to begin.",
        ),
        "max_attempts": Limit(
            least=1, most=20, zero="To switch a feature off, take its section out."
        ),
    },
    PriceSettings: {
        name: _USD
        for name in PriceSettings.__dataclass_fields__
        if name.endswith(("_usd_mtok", "_usd"))
    },
    BudgetSettings: dict.fromkeys(BudgetSettings.__dataclass_fields__, _BUDGET),
    HedgeSettings: {"share": Limit(least=0, most=0.5)},
    CacheSettings: {
        "similar": Limit(least=0.7, most=1, zero="Leave it out for equal requests alone."),
        "embed_s": _time(60, "It would always be late. Leave it out for the usual second."),
        "max_age_s": _time(366 * DAY_S, "To keep nothing, take the cache out of the route."),
    },
    InputSettings: {
        "max_chars": Limit(least=1, most=10**9, zero=_ANY),
        "max_tokens": Limit(least=1, most=10**9, zero=_ANY),
        "duplicate_s": _time(DAY_S, 'To let the same in again, write duplicates = "off".'),
        "check_s": _time(600, "Every check would be late. Leave it out for the usual second."),
    },
    OutputSettings: {
        "max_chars": Limit(
            least=1, most=10**9, zero="Every answer would fail. Leave it out for no limit."
        ),
        "min_chars": Limit(least=1, most=10**9, zero="Leave it out to ask for no length."),
        "check_s": _time(600, "Every check would be late. Leave it out for the usual second."),
        "repairs": Limit(least=0, most=5),
    },
    Requirements: {
        "availability": Limit(above=0, below=1),
        "error_rate": Limit(above=0, below=1),
        "latency_p95_s": _time(DAY_S, "Leave it out to require nothing."),
        "first_token_s": _time(DAY_S, "Leave it out to require nothing."),
        "deadline_s": _time(
            DAY_S, "Every request would fail at once. Leave it out for the usual 60 seconds."
        ),
        "cost_usd_month": Limit(least=0, most=1e9),
        "requests_day": Limit(least=1, most=10**10, zero="Leave it out to expect no number."),
        "peak_rpm": Limit(least=1, most=10**8, zero="Leave it out to expect no number."),
    },
}
