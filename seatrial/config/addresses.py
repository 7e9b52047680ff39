"""Addresses: where to listen, where the store is, where a target is reached."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from seatrial.config.secrets import Fault, conceal, is_reference
from seatrial.config.wording import nearest, shown

SCHEMES: Final = ("sqlite", "postgresql")
COUNTER_SCHEMES: Final = ("valkey", "valkeys", "unix", "redis", "rediss")


def split_listen(text: str) -> tuple[str, int] | Fault:
    """Return host and port of a `listen`, or what is wrong with it.

    >>> split_listen("127.0.0.1:8080")
    ('127.0.0.1', 8080)
    >>> split_listen("[::1]:0")
    ('::1', 0)
    """
    if "://" in text:
        return Fault(f"{shown(text)} is an address on the web.", 'Write "127.0.0.1:8080".')
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        whole = f"127.0.0.1:{text.strip(':')}" if text.strip(":").isdigit() else f"{text}:8080"
        return Fault(f"should be host:port, not {shown(text)}.", f'Write "{conceal(whole)}".')
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        return Fault(f"the port in {shown(text)} is no number from 0 to 65,535.")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return Fault(
            f"{shown(text)} does not say where the port begins.", f'Write "[{host}]:{port}".'
        )
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", host):
        return Fault(f"{shown(host)} is no name or address of a machine.")
    return host, int(port)


def store_address(text: str, *, folder: Path, in_file: bool) -> str | Fault:
    """Return the address of the store with a whole path, or what is wrong with it.

    Args:
        text: `sqlite:FILE` or `postgresql://…`.
        folder: where a relative FILE starts.
        in_file: whether it stands in the configuration file, where no password belongs.
    """
    scheme, colon, rest = text.partition(":")
    if not colon:
        return Fault(
            f"{shown(text)} does not say which kind of store.", f'Write "sqlite:{conceal(text)}".'
        )
    if scheme in {"postgres", "postgresql+psycopg"}:
        scheme = "postgresql"
    if scheme not in SCHEMES:
        near = nearest(scheme.partition("+")[0], SCHEMES)
        hint = f'Did you mean "{near}:…"?' if near else ""
        return Fault(
            f"{shown(scheme)} is no kind of store: there is sqlite:FILE and postgresql://….", hint
        )
    if scheme == "sqlite":
        return _sqlite(rest, folder)
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        password, _ = parts.password, parts.port
    except ValueError:
        return Fault("is no valid address.", 'It looks like "postgresql://user@host:5432/name".')
    if not rest.startswith("//") or not parts.path.strip("/"):
        return Fault(
            "does not name a database.", 'It looks like "postgresql://user@host:5432/name".'
        )
    if in_file and (password or re.search(r"[?&]password=", rest)):
        return Fault(
            "has a password in it, and this file is no place for one.",
            'Put the whole address into the environment and write store = "env:DATABASE_URL".',
        )
    return f"{scheme}:{rest}"


def counters_address(text: str, *, in_file: bool) -> str | Fault:
    """Return the address of the shared counters, or what is wrong with it.

    Args:
        text: `valkey://host:port/0`, `valkeys://…`, `unix:///path`; Redis's names serve, too.
        in_file: whether it stands in the configuration file, where no password belongs.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in COUNTER_SCHEMES:
        known = nearest(scheme, COUNTER_SCHEMES) if colon else None
        hint = f'Did you mean "{known}:…"?' if known else 'It looks like "valkey://host:6379/0".'
        return Fault(f"{shown(text)} is no address of counters.", hint)
    scheme = {"redis": "valkey", "rediss": "valkeys"}.get(scheme, scheme)
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        password, _ = parts.password, parts.port
    except ValueError:
        return Fault("is no valid address.", 'It looks like "valkey://host:6379/0".')
    if not rest.startswith("//") or not (parts.path if scheme == "unix" else parts.hostname):
        what = "file" if scheme == "unix" else "host"
        return Fault(f"names no {what}.", 'It looks like "valkey://host:6379/0" or "unix:///path".')
    if in_file and (password or re.search(r"[?&]password=", rest)):
        return Fault(
            "has a password in it, and this file is no place for one.",
            'Put the whole address into the environment and write counters = "env:VALKEY_URL".',
        )
    return f"{scheme}:{rest}"


def _sqlite(rest: str, folder: Path) -> str | Fault:
    # sqlite:///x is how SQLAlchemy writes a relative file, sqlite:////x an absolute one.
    name = rest.removeprefix("///")
    if name in {"", ":memory:"}:
        hint = 'Name a file: store = "sqlite:seatrial.db".'
        return Fault("names no file, and records must outlive the process.", hint)
    if name.startswith("//"):
        return Fault(f"{shown(name)} is no file.", 'Write "sqlite:folder/name.db".')
    file = (folder / Path(name).expanduser()).absolute()
    if file.is_dir():
        return Fault(f"{file} is a folder.", f'Name a file in it: "sqlite:{name}/seatrial.db".')
    return f"sqlite:{file}"


def check_base_url(text: str) -> Fault | None:
    """Return what is wrong with a target's address; None when nothing is."""
    if not text.strip():
        return Fault("is empty.", "Leave it out for the provider's own address.")
    if is_reference(text):
        hint = "Write the address itself; only api_key is a reference."
        return Fault("an address is no secret.", hint)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return Fault(f"{shown(text)} is no valid address.", 'It looks like "https://host/v1".')
    if parts.scheme not in {"http", "https"} or "://" not in text:
        local = re.match(r"(localhost|127\.|\[::1\])", text)
        scheme = "http" if local else "https"
        bare = re.sub(r"^[a-z+]*:?//", "", conceal(text))
        hint = f'Write "{scheme}://{bare}".' if parts.scheme != "ftp" else ""
        return Fault(f"{shown(text)} does not start with https:// or http://.", hint)
    if parts.username is not None or parts.password is not None:
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        hint = f'Write "{bare}" and the key as api_key.'
        return Fault("has a name or password in it, which would end up in logs.", hint)
    if not parts.hostname:
        return Fault(f"{shown(text)} names no host.", 'It looks like "https://host/v1".')
    if parts.query or parts.fragment:
        bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
        hint = f'Write "{bare}"; what a provider wants beside it goes into headers or parameters.'
        return Fault("has a ? or # in it, behind which no path can follow.", hint)
    for ending in ("/chat/completions", "/messages"):
        if parts.path.rstrip("/").endswith(ending):
            bare = text.rstrip("/").removesuffix(ending)
            if ending == "/messages":
                bare = bare.removesuffix("/v1")
            return Fault(f"{shown(ending)} is added by Seatrial.", f'Write "{bare}".')
    return None


def is_open_way(address: str) -> bool:
    """Say whether what is sent there can be read on the way."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine.

    >>> is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("example.org")
    (True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
