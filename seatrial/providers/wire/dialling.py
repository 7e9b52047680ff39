"""How a connection comes about: names, several addresses at once, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, zip_longest
from typing import Any, Final

from seatrial.ports import TransportError
from seatrial.providers.wire import troubles
from seatrial.providers.wire.connection import Connection
from seatrial.values.attempts import Failure

# How long one address may be silent before the next is tried beside it (RFC 8305).
HEAD_START_S: Final = 0.25
SHORTEST_S: Final = 0.001  # of a handshake: event loops take no zero

Address = tuple[int, tuple[Any, ...]]
"""Family, and what `connect` takes."""


async def dial(
    connection: Connection, *, within_s: float, context: ssl.SSLContext | None = None
) -> None:
    """Connect a connection to its origin.

    Args:
        connection: not yet connected.
        within_s: the time for all of it, names and TLS included.
        context: whom to trust; the system's authorities when left out.

    Raises:
        TransportError: it did not come about; nothing was sent.
    """
    try:
        async with asyncio.timeout(within_s):
            await _dial(connection, context, within_s)
    except (OSError, ValueError) as error:
        connection.abort()
        raise TransportError(_failure_of(error)) from error
    except BaseException:
        connection.abort()
        raise
    if connection.closed:  # hung up on as soon as it stood
        raise TransportError(troubles.REFUSED)


async def _dial(connection: Connection, context: ssl.SSLContext | None, within_s: float) -> None:
    origin = connection.origin
    if origin.tls and context is None:
        context = await asyncio.to_thread(_system_trust)
    loop = asyncio.get_running_loop()
    sock = await first_connected(await _addresses(loop, origin.host, origin.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not origin.tls:
        await loop.create_connection(lambda: connection, sock=sock)
        return
    try:
        await loop.create_connection(
            lambda: connection,
            sock=sock,
            ssl=context,
            server_hostname=origin.host,
            # Ours ends first.  But where the caller leaves in the moment in which a handshake
            # begins, uvloop keeps all of it, the socket excepted, until its own is over.
            ssl_handshake_timeout=max(within_s, SHORTEST_S),
        )
    except OSError as error:
        if isinstance(error, TimeoutError | ssl.SSLError):
            raise
        raise ssl.SSLError from error  # hung up on in the middle of the handshake


def _failure_of(error: BaseException) -> Failure:
    match error:
        case TimeoutError():
            return troubles.NOT_IN_TIME
        case socket.gaierror():
            return troubles.UNKNOWN_HOST
        case ssl.SSLError():
            return troubles.UNTRUSTED
        case OSError():
            return troubles.REFUSED
        case _:
            return troubles.UNSENDABLE


async def first_connected(addresses: Sequence[Address]) -> socket.socket:
    """Connect to whichever address answers first; each but the first starts a little later.

    Raises:
        OSError: none of them did; the first one's reason.
    """
    if len(addresses) == 1:
        return await _connected(addresses[0])
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    try:
        for address in chain(addresses, [None]):
            if address is not None:
                running.add(asyncio.create_task(_connected(address)))
            while running:
                head_start_s = HEAD_START_S if address is not None else None
                done, _ = await asyncio.wait(
                    running, timeout=head_start_s, return_when=asyncio.FIRST_COMPLETED
                )
                for each in done:
                    running.discard(each)
                    reason = each.exception()
                    if reason is None:
                        return each.result()
                    errors.append(reason)
                if address is not None:
                    break  # it failed, or has had its head start
    finally:
        for each in running:
            each.cancel()
            each.add_done_callback(_hang_up)
    raise next((each for each in errors if isinstance(each, OSError)), OSError("no address"))


def _hang_up(late: asyncio.Task[socket.socket]) -> None:
    if not late.cancelled() and late.exception() is None:
        late.result().close()


async def _connected(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[Address]:
    """Look a name up; the families take turns, the system's preferred one first."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    by_family: dict[int, list[Address]] = {}
    for family, _, _, _, where in found:
        by_family.setdefault(family, []).append((family, where))
    turns: Iterable[tuple[Address | None, ...]] = zip_longest(*by_family.values())
    return [each for turn in turns for each in turn if each is not None]


_one_at_a_time: Final = threading.Lock()


def _system_trust() -> ssl.SSLContext:
    """Return the system's authorities; reading them takes long, so once and in a thread."""
    with _one_at_a_time:
        return _read_system_trust()


@cache
def _read_system_trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
