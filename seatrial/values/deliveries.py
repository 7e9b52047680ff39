"""News for other systems, on its way."""

from __future__ import annotations

import msgspec


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event for one receiver.

    Args:
        id: stable over every try: the receiver tells doubles by it.
        to: name of the receiver in the file.
        event: dotted, such as `review.settled`.
        body: exactly the bytes that are signed and sent.
        created_at: wall clock, seconds.
        next_at: when it is tried next, wall clock, seconds.
        tries: so far.
        state: `due`, `delivered` or `dead`.
        last: what came of the last try, in a few words.
    """

    id: str
    to: str
    event: str
    body: bytes
    created_at: float
    next_at: float
    tries: int = 0
    state: str = "due"
    last: str = ""
