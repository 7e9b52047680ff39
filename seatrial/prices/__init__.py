"""What targets cost: a pinned price list, and the operator's own prices over it.

The list is data of the `genai-prices` project (MIT), written by `make prices`.
"""

from seatrial.prices.reading import Wanted, find_cards
from seatrial.prices.settings import PriceSettings, TargetPrice, card_of

__all__ = [
    "PriceSettings",
    "TargetPrice",
    "Wanted",
    "card_of",
    "find_cards",
    "making",
    "reading",
    "settings",
]
