"""Laws of waiting, drawn from a seeded die: how long a model server thinks before it speaks."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Final

# The 99th percentile of a standard normal: turns "p99 over p50" into a sigma.
Z99: Final = 2.3263478740408408


def lognormal(draw: Random, *, p50_s: float, ratio: float) -> float:
    """Draw seconds whose median is `p50_s` and whose p99 is `ratio` times that."""
    return p50_s * math.exp(draw.gauss(0.0, 1.0) * math.log(ratio) / Z99)


def bimodal(draw: Random, *, p50_s: float, ratio: float) -> float:
    """Draw `p50_s` ± 10 % nine times in ten, else `ratio` times that (a cache that misses)."""
    mode_s = p50_s if draw.random() < 0.9 else p50_s * ratio
    return mode_s * draw.uniform(0.9, 1.1)


def pareto(draw: Random, *, p50_s: float, ratio: float) -> float:
    """Draw from a heavy tail with median `p50_s` and p99 `ratio` times that."""
    # S(x) = (m / x)^a, so p99 / p50 = 50^(1 / a).
    shape = math.log(50.0) / math.log(ratio)
    smallest_s: float = p50_s / 2.0 ** (1.0 / shape)
    return float(smallest_s * draw.paretovariate(shape))


def step(draw: Random, *, p50_s: float, ratio: float, at_s: float, now_s: float) -> float:
    """Give `p50_s` ± 10 % until `at_s`, and `ratio` times that from then on."""
    level_s = p50_s if now_s < at_s else p50_s * ratio
    return level_s * draw.uniform(0.9, 1.1)


LAWS: Final[dict[str, Callable[..., float]]] = {
    "lognormal": lognormal,
    "bimodal": bimodal,
    "pareto": pareto,
}
