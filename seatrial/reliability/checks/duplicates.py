"""Has the same caller asked the same a moment ago?  Remembers hashes, bounded in number."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.values.checks import PASSED, Says, Verdict

MOST_REMEMBERED: Final = 50_000  # 16 bytes each, and what a dictionary needs
_CANONICAL: Final = msgspec.json.Encoder(order="sorted", enc_hook=repr)


def fingerprint(who: tuple[str, ...], asked: Mapping[str, Any]) -> bytes:
    """Return a hash of who asks what.

    Args:
        who: tenant, feature, key, user and session: nobody's input is another's duplicate.
        asked: the request's body, or what a function is called with.
    """
    try:
        content = _CANONICAL.encode((who, asked))
    except UnicodeEncodeError:  # half a character, which no JSON holds
        content = repr((who, asked)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()


class Recent:
    """Remembers what was asked lately.

    Args:
        most: so many inputs; the oldest is forgotten first.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def again(self, print_: bytes, *, now: float, within_s: float) -> bool:
        """Whether this was asked within the last `within_s`, and remember that it is now."""
        at = self._seen.pop(print_, None)
        self._seen[print_] = now
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return at is not None and now - at <= within_s

    def __len__(self) -> int:
        return len(self._seen)


def check_duplicate(repeated: bool, says: Says) -> Verdict:
    """Return what follows when the same was asked a moment ago."""
    if not repeated:
        return PASSED
    return Verdict(says, "duplicate", "The same caller asked the same a moment ago.")
