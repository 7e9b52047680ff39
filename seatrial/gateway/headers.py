"""A request's headers: their limits, the one credential, our own hints.

One pass over the headers; nothing else in the doors looks at them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from seatrial.gateway.faults import Fault
from seatrial.gateway.settings import DoorSettings, is_loopback
from seatrial.values.criticality import Criticality
from seatrial.values.idempotency import MAX_KEY_CHARS, is_key

# Everything that the doors read.  What is not here is never looked at again.
_READ: Final = frozenset(
    {
        b"host",
        b"authorization",
        b"api-key",
        b"x-api-key",
        b"content-type",
        b"content-encoding",
        b"content-length",
        b"seatrial-user",
        b"seatrial-session",
        b"seatrial-tags",
        b"seatrial-deadline",
        b"seatrial-criticality",
        b"idempotency-key",
    }
)
_CREDENTIALS: Final = (b"authorization", b"api-key", b"x-api-key")
_KEYS: Final = frozenset(_CREDENTIALS)
_OURS: Final = frozenset({b"seatrial-user", b"seatrial-session", b"seatrial-tags"})
_WISHES: Final = _OURS | {b"seatrial-deadline", b"seatrial-criticality"}
_AUTHORITY: Final = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{0,5})?")
_CRITICALITIES: Final = {each.value.encode(): each for each in Criticality}
_DEFAULT: Final = Criticality.DEFAULT
_LONGEST_KEY: Final = 512
_LONGEST_HINT: Final = 256
_MOST_TAGS: Final = 16
_KNOWN_HOSTS: Final = 64  # distinct `Host` values remembered as good

Found = dict[bytes, bytes]


def read_headers(headers: Iterable[tuple[bytes, bytes]], settings: DoorSettings) -> Found:
    """Return the headers that the doors read, by name.

    Raises:
        Fault: they are too many or too large, or one of them came twice.
    """
    found: Found = {}
    size = count = 0
    for name, value in headers:
        size += len(name) + len(value)
        count += 1
        if name in _READ:
            if name in found:
                code = "two_credentials" if name in _CREDENTIALS else "invalid_request"
                text = name.decode("ascii")
                raise Fault(code, f"The header {text!r} came twice. Send it once.", param=text)
            found[name] = value
    # A header's colon, space and line end count as well.
    if size + 4 * count > settings.max_header_bytes or count > settings.max_headers:
        raise Fault(
            "headers_too_large",
            f"The request has {count} headers of {size} bytes; "
            f"at most {settings.max_headers} and {settings.max_header_bytes} bytes are taken.",
        )
    return found


def credential(found: Found) -> str | None:
    """Return the one credential of a request; None when it has none.

    Raises:
        Fault: there are two, in whatever form.
    """
    if _KEYS.isdisjoint(found):
        return None
    given = [name for name in _CREDENTIALS if name in found]
    if len(given) > 1:
        names = " and ".join(name.decode("ascii") for name in given)
        raise Fault("two_credentials", f"The request has two credentials: {names}. Send one.")
    value = found[given[0]]
    if given[0] == b"authorization":
        scheme, _, value = value.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Fault(
                "invalid_api_key",
                "The Authorization header is not a bearer key. Send `Authorization: Bearer <key>`.",
            )
    value = value.strip()
    if not value:
        return None
    # No key of ours looks like that; the caller learns nothing else.
    if len(value) > _LONGEST_KEY or not value.isascii():
        return "?"
    return value.decode("ascii")


class HostCheck:
    """Whether a request's `Host` is ours: the guard against DNS rebinding.

    A page in a browser on this machine can point its own name at 127.0.0.1 and would then
    speak to a gateway that trusts the loopback.  Its `Host` header gives it away.
    """

    def __init__(self, settings: DoorSettings) -> None:
        self._names = frozenset(name.lower() for name in settings.hosts)
        self._any = not (settings.loopback or settings.hosts)
        self._good: set[bytes] = set()

    def check(self, found: Found) -> None:
        """Return when the host is ours.

        Raises:
            Fault: it is missing, malformed or somebody else's.
        """
        host = found.get(b"host")
        if host in self._good:
            return
        match = _AUTHORITY.fullmatch(host) if host else None
        if match is None or host is None:
            raise Fault("invalid_request", "The Host header is missing or malformed.", param="host")
        name = match[1].decode("ascii").lower().strip("[]").removesuffix(".")
        ours = name in self._names or is_loopback(name) or name.endswith(".localhost")
        if not (self._any or ours):
            raise Fault(
                "wrong_host",
                "The Host header names no host of this gateway. It listens on the loopback: "
                "use http://127.0.0.1 or http://localhost.",
                param="host",
            )
        if len(self._good) < _KNOWN_HOSTS:
            self._good.add(host)


def has_wishes(found: Found) -> bool:
    """Whether any header of ours says how the request is to be taken; most say nothing."""
    return not _WISHES.isdisjoint(found)


def hints(found: Found) -> tuple[str, str, tuple[str, ...]]:
    """Return user, session and tags as our own headers give them; empty when they do not.

    Raises:
        Fault: one of them is too long or no text.
    """
    if _OURS.isdisjoint(found):
        return "", "", ()
    tags = tuple(t.strip() for t in _text(found, b"seatrial-tags").split(",") if t.strip())
    if len(tags) > _MOST_TAGS:
        raise Fault(
            "invalid_request",
            f"The header 'seatrial-tags' has {len(tags)} tags; at most {_MOST_TAGS} are taken.",
            param="seatrial-tags",
        )
    return _text(found, b"seatrial-user"), _text(found, b"seatrial-session"), tags


def criticality(found: Found, metadata: Mapping[str, str]) -> Criticality:
    """Return how much a request matters, as its caller says by header, else in metadata.

    Raises:
        Fault: the header names no class.
    """
    value = found.get(b"seatrial-criticality")
    if value is None:
        said = metadata.get("criticality", "") if metadata else ""
        if not said:
            return _DEFAULT
        # Metadata is the caller's own, and may use the word for something else.
        return _CRITICALITIES.get(said.encode("utf-8", "replace"), _DEFAULT)
    known = _CRITICALITIES.get(value.strip().lower())
    if known is None:
        raise Fault(
            "invalid_request",
            "The header 'seatrial-criticality' must be interactive, default, batch or shadow.",
            param="seatrial-criticality",
        )
    return known


def deadline_s(found: Found) -> float | None:
    """Return the caller's own deadline in seconds; None when there is none.

    Raises:
        Fault: it is no positive number.
    """
    value = found.get(b"seatrial-deadline")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise Fault(
            "invalid_request",
            "The header 'seatrial-deadline' must be a positive number of seconds.",
            param="seatrial-deadline",
        )
    return seconds


def idempotency_key(found: Found) -> str:
    """Return the key that tells this request's twins; empty when there is none.

    Raises:
        Fault: it is empty, too long or no text.
    """
    value = found.get(b"idempotency-key")
    if value is None:
        return ""
    key = value.decode("utf-8", "replace").strip()
    if "\N{REPLACEMENT CHARACTER}" in key or not is_key(key):
        raise Fault(
            "invalid_request",
            f"The header 'idempotency-key' must have 1 to {MAX_KEY_CHARS} printable characters.",
            param="idempotency-key",
        )
    return key


def _text(found: Found, name: bytes) -> str:
    value = found.get(name)
    if value is None:
        return ""
    shown = name.decode("ascii")
    if len(value) > _LONGEST_HINT:
        raise Fault(
            "invalid_request",
            f"The header {shown!r} is longer than {_LONGEST_HINT} bytes.",
            param=shown,
        )
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        text = "\0"
    if not text.isprintable():
        raise Fault("invalid_request", f"The header {shown!r} is no printable text.", param=shown)
    return text
