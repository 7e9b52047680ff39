"""Windows in which a provider asked us to stay away."""

from __future__ import annotations

from typing import Final

BACKOFF_S: Final = 1.0  # for a limit that came without a time
BACKOFF_CAP_S: Final = 30.0
_DOUBLINGS: Final = 5  # reach the cap; more would outgrow a float in a long outage
HINT_CAP_S: Final = 3600.0
QUARANTINE_S: Final = 60.0  # for a key the provider refused


class Throttle:
    """When one outlet may be asked again.  A later window always wins over an earlier one."""

    __slots__ = ("_hits", "keys_until", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.keys_until = 0.0
        self._hits = 0

    def limited(self, now: float, hint_s: float | None, *, coin: float) -> None:
        """Note a rate limit.

        Args:
            now: monotonic seconds.
            hint_s: how long to stay away, as the provider said; None without a usable hint.
            coin: in [0, 1), jitter for our own back-off.
        """
        if hint_s is None:
            doubled_s = min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(self._hits, _DOUBLINGS))
            window = doubled_s * (0.5 + 0.5 * coin)
            self._hits += 1
        else:
            window = min(max(hint_s, 0.0), HINT_CAP_S)
        self.until = max(self.until, now + window)

    def key_refused(self, now: float) -> None:
        """Note that the provider refused the key: it is left alone for a minute."""
        self.keys_until = max(self.keys_until, now + QUARANTINE_S)

    def answered(self) -> None:
        """Note an answer: the next limit without a hint starts with a short back-off."""
        self._hits = 0
