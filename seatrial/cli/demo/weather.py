"""The weather that the demo's model sails through: what is wrong with it, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Weather(Enum):
    """What a caller of the model meets."""

    FINE = "fine"
    DOWN = "down"  # connections are refused, open ones are cut: the process is gone
    UNAVAILABLE = "unavailable"  # 503 to every request: the process is back, the model is not
    HANG = "hang"  # requests are taken and never answered
    BROWN_OUT = "brown-out"  # slow, the slower the more ask at once, and some 429


@dataclass(frozen=True, slots=True)
class Spell:
    """One stretch of weather.

    Args:
        weather: what it is like.
        lasts_s: for how many seconds, above 0.
    """

    weather: Weather
    lasts_s: float


# Shares of the whole, so that one script serves a short demo and a long one.
SHARES: Final = (
    (Weather.FINE, 0.14),
    (Weather.DOWN, 0.09),
    (Weather.UNAVAILABLE, 0.05),
    (Weather.FINE, 0.14),
    (Weather.HANG, 0.14),
    (Weather.FINE, 0.14),
    (Weather.BROWN_OUT, 0.16),
    (Weather.FINE, 0.14),
)


def write_script(over_s: float) -> tuple[Spell, ...]:
    """Write the demo's weather: fine, outage, fine, hang, fine, brown-out, fine.

    Args:
        over_s: seconds from the first spell's start to the last one's end.
    """
    return tuple(Spell(weather, share * over_s) for weather, share in SHARES)


def weather_at(script: Sequence[Spell], elapsed_s: float) -> Weather:
    """Look up the weather so many seconds after the start; fine once the script is over.

    >>> weather_at(write_script(100.0), 20.0)
    <Weather.DOWN: 'down'>
    """
    for spell in script:
        elapsed_s -= spell.lasts_s
        if elapsed_s < 0:
            return spell.weather
    return Weather.FINE
