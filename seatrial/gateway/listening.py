"""The listening socket: bound early, closed without losing those who wait in its queue."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys
from typing import Final

from seatrial.errors import StartRefused
from seatrial.gateway.settings import DoorSettings

_SO_ATTACH_FILTER: Final = 26
_UNACKED_AT: Final = 24  # in `tcp_info`; for a listening socket, the length of its queue
_LINUX: Final = sys.platform.startswith("linux")

# Classic BPF over the TCP header: segments with ACK pass, a first SYN does not.
_NO_SYN: Final = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x45, 0, 1, 0x10),  # has it ACK?
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
    (0x06, 0, 0, 0),  # drop
)


def bind(settings: DoorSettings) -> socket.socket:
    """Return a socket bound to where the gateway listens; it takes no connections yet.

    Raises:
        StartRefused: the address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if settings.reuse_port:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind((settings.host, settings.port))
    except OSError as error:
        taken.close()
        raise StartRefused(
            f"The gateway cannot listen on {settings.host}:{settings.port}.",
            why=f"{error.strerror or error}.",
            fix="Stop what listens there, or set another `listen` under [service].",
        ) from error
    taken.setblocking(False)
    return taken


def refuse_newcomers(listening: socket.socket) -> None:
    """Have the kernel ignore new handshakes, on Linux.

    Closing a listening socket resets the connections that wait to be accepted, requests
    and all.  With new ones kept out, the queue can run empty first.
    """
    if not _LINUX:
        return
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _NO_SYN))
    program = struct.pack("HL", len(_NO_SYN), ctypes.addressof(code))
    with contextlib.suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def waiting(listening: socket.socket) -> int:
    """Return how many connections wait to be accepted; 0 where it cannot be known."""
    if not _LINUX:
        return 0
    try:
        info = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED_AT + 4)
    except OSError:
        return 0
    length: int = struct.unpack_from("I", info, _UNACKED_AT)[0]
    return length
