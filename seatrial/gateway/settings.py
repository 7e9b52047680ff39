"""How large a request may be, how long a caller may dawdle, and where the gateway listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Protocol

from seatrial.errors import StartRefused


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Limits of the HTTP doors.

    Args:
        host: where to listen.
        port: 0 takes any free one.
        hosts: names in `Host` headers that are ours, besides loopback ones; checked when the
            gateway listens on the loopback alone, or when there are any.
        max_body_bytes: of a request, also after inflating it.
        max_bodies_bytes: of all long requests that are in hand at once, together.
        max_header_bytes: of a request's headers together.
        max_headers: how many headers a request may have.
        max_depth: of JSON: objects and lists within each other.
        max_nodes: of JSON: values in all.
        max_digits: of one number in JSON.
        max_ratio: how much larger than its compressed form a body may be.
        read_s: how long a caller may take to send a request.
        stall_s: how long a caller may leave an answer unread before the line is cut.
        keep_alive_s: how long an idle connection is kept; above that of callers and balancers.
        ping_s: silence after which a begun stream sends a comment.
        lame_duck_s: how long a stopping server still takes new connections.
        drain_s: how long a stopping server lets running requests finish.
        backlog: connections that may wait to be accepted.
        reuse_port: several processes may listen on the same port (Linux).
    """

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()
    max_body_bytes: int = 10 * 1024 * 1024
    max_bodies_bytes: int = 128 * 1024 * 1024
    max_header_bytes: int = 16 * 1024
    max_headers: int = 100
    max_depth: int = 64
    max_nodes: int = 200_000
    max_digits: int = 64
    max_ratio: int = 20
    read_s: float = 30.0
    stall_s: float = 30.0
    keep_alive_s: float = 75.0
    ping_s: float = 15.0
    lame_duck_s: float = 0.5
    drain_s: float = 30.0
    backlog: int = 2048
    reuse_port: bool = False

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        return is_loopback(self.host)


class ServiceSection(Protocol):
    """What the doors read of the section [service]."""

    @property
    def listen(self) -> str:
        """Host and port."""

    @property
    def drain_s(self) -> float:
        """See `DoorSettings`."""

    @property
    def max_body_bytes(self) -> int:
        """See `DoorSettings`."""

    @property
    def max_bodies_bytes(self) -> int:
        """See `DoorSettings`."""

    @property
    def max_header_bytes(self) -> int:
        """See `DoorSettings`."""

    @property
    def max_depth(self) -> int:
        """See `DoorSettings`."""

    @property
    def max_nodes(self) -> int:
        """See `DoorSettings`."""


def door_settings(service: ServiceSection) -> DoorSettings:
    """Return the doors' limits from the section [service]."""
    host, port = split_listen(service.listen)
    return DoorSettings(
        host=host,
        port=port,
        drain_s=service.drain_s,
        max_body_bytes=service.max_body_bytes,
        # One always fits, packed and unpacked.
        max_bodies_bytes=max(service.max_bodies_bytes, 2 * service.max_body_bytes),
        max_header_bytes=service.max_header_bytes,
        max_depth=service.max_depth,
        max_nodes=service.max_nodes,
    )


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of an address to listen on.

    Raises:
        StartRefused: it is not `host:port`.

    >>> split_listen("[::1]:8080")
    ('::1', 8080)
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise StartRefused(
            f"{listen!r} is no address to listen on.",
            why="It needs a host and a port between 0 and 65535.",
            fix='Write `listen = "127.0.0.1:8080"`.',
        )
    return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)  # noqa: S104 - as written


def is_loopback(host: str) -> bool:
    """Return whether a host to listen on can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_bind(host: str, *, keys_exist: bool) -> None:
    """Return when it is safe to listen there.

    Raises:
        StartRefused: other machines could ask without a key.
    """
    if keys_exist or is_loopback(host):
        return
    raise StartRefused(
        f"The gateway would listen on {host} without any API key.",
        why="Every machine that reaches this address could spend your providers' money.",
        fix='Create a key (`seatrial keys create NAME`), or listen on "127.0.0.1:8080".',
    )
