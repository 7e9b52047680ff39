"""What goes over the wire before the body: where to, and the head of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from itertools import chain
from typing import Final, NamedTuple
from urllib.parse import urlsplit

# Said here and nowhere else: two framings of one request are how requests are smuggled.
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding"})
_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where connections go; what one of them carried, another to the same may carry."""

    host: str
    port: int
    tls: bool


class Place(NamedTuple):
    """A URL, taken apart once.

    Args:
        origin: where to connect.
        opening: the request's first lines, up to its own headers.
    """

    origin: Origin
    opening: str


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises:
        ValueError: it is none, or none we can call.

    >>> place_of("https://[::1]:8443/v1?a=b#c").opening.split()
    ['POST', '/v1?a=b', 'HTTP/1.1', 'host:', '[::1]:8443']
    """
    parts = urlsplit(url)
    host = _plain(parts.hostname or "")
    if parts.scheme not in _PORTS or not host or parts.username is not None:
        raise ValueError(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise ValueError(url)
    port = parts.port or _PORTS[parts.scheme]
    name = f"[{host}]" if ":" in host else host
    if port != _PORTS[parts.scheme]:
        name = f"{name}:{port}"
    origin = Origin(host, port, parts.scheme == "https")
    return Place(origin, f"POST {target} HTTP/1.1\r\nhost: {name}\r\n")


def _plain(host: str) -> str:
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    plain = host if host.isascii() else host.encode("idna").decode("ascii")
    if not plain.isprintable() or " " in plain:
        raise ValueError(host)
    return plain


def head_of(opening: str, headers: Mapping[str, str], *, length: int) -> bytes:
    """Write a request's head.

    Args:
        opening: the place's.
        headers: names in lower case.
        length: the body's, in bytes.

    Raises:
        ValueError: a header would not arrive as what it is.
    """
    count = len(headers)
    lines = ("%s: %s\r\n" * count) % tuple(chain.from_iterable(headers.items()))
    if (
        lines.count("\n") != count
        or lines.count("\r") != count
        or "\0" in lines
        or not _FRAMING.isdisjoint(headers)
    ):
        raise ValueError("a header that no request may hold")
    return f"{opening}{lines}content-length: {length}\r\n\r\n".encode("latin-1")
