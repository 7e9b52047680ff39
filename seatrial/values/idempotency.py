"""What tells twins: a key that the caller chose, and a digest of what was asked under it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import msgspec

MAX_KEY_CHARS: Final = 255


def is_key(text: str) -> bool:
    """Whether a text may be an idempotency key: 1 to 255 printable characters.

    >>> is_key("order 7/retry"), is_key(""), is_key("x" * 256), is_key("a" + chr(0))
    (True, False, False, False)
    """
    return 0 < len(text) <= MAX_KEY_CHARS and text.isprintable()


def fingerprint_of(asked: Any) -> str:
    """Return a digest of what was asked: equal for equal content, whatever the order of its keys.

    Args:
        asked: as it came, once parsed; objects that JSON does not know count by their `repr`.

    >>> fingerprint_of({"a": 1, "b": [2]}) == fingerprint_of({"b": [2], "a": 1})
    True
    """
    plain = msgspec.json.encode(asked, enc_hook=repr, order="deterministic")
    return sha256(plain).hexdigest()
