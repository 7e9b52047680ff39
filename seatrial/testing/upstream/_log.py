"""What the server remembers of each attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

KEPT: Final = 200_000
HIDDEN: Final = frozenset(
    {"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"}
)


class Ended(StrEnum):
    """How an attempt ended, as the server saw it."""

    UNDER_WAY = "under way"
    COMPLETE = "complete"  # all that was meant to be sent was sent
    CALLER_LEFT = "caller left"
    CLOSED = "closed by us"
    RESET = "reset by us"
    STOPPED = "server stopped"
    BROKEN = "server broke"  # a defect of the server itself


@dataclass(slots=True)
class Entry:
    """One attempt: what was asked, what was done to it, how it ended.

    Args:
        number: of the request, from 0.
        at_s, ended_s: since the server started.
        fault: the faults and their parameters, joined by `+`; empty for none.
        status: that was sent; 0 if none was.
        key: digest of the credential, 12 hex digits.
        headers: as they came, without credentials.
        tokens: of the answer that were sent.
    """

    number: int
    at_s: float
    method: str
    path: str
    connection: int
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body_bytes: int = 0
    model: str = ""
    streamed: bool = False
    question: str = ""
    answer_id: str = ""
    fault: str = ""
    status: int = 0
    tokens: int = 0
    sent_bytes: int = 0
    ended: Ended = Ended.UNDER_WAY
    ended_s: float | None = None

    def as_json(self) -> dict[str, object]:
        """Give the entry as JSON values."""
        return asdict(self)


def seen_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the headers with every credential masked."""
    return {name: "***" if name in HIDDEN else value for name, value in headers.items()}


def tally(entries: list[Entry]) -> dict[str, object]:
    """Count entries by fault and by end."""
    return {
        "requests": len(entries),
        "faults": dict(Counter(entry.fault for entry in entries if entry.fault)),
        "ended": dict(Counter(entry.ended.value for entry in entries)),
        "status": {str(code): n for code, n in Counter(entry.status for entry in entries).items()},
    }
