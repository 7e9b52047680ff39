"""Where the gateway listens, and where it refuses to."""

import pytest

from seatrial.config.service import ServiceSettings
from seatrial.errors import StartRefused
from seatrial.gateway.settings import DoorSettings, check_bind, door_settings, split_listen


@pytest.mark.parametrize(
    ("listen", "parts"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        (":80", ("0.0.0.0", 80)),
    ],
)
def test_address_is_host_and_port(listen: str, parts: tuple[str, int]) -> None:
    """IPv6 in brackets; no host means every address."""
    assert parts == split_listen(listen)


@pytest.mark.parametrize(
    "listen", ["", "8080", "localhost", "localhost:", "a:65536", "a:-1", "a:x"]
)
def test_no_address_is_said(listen: str) -> None:
    """With what to write instead."""
    with pytest.raises(StartRefused, match=r"127\.0\.0\.1:8080"):
        split_listen(listen)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_key(host: str) -> None:
    """Only this machine can reach it."""
    check_bind(host, keys_exist=False)
    assert DoorSettings(host=host).loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example", ""])
def test_public_bind_without_keys_refuses_to_start(host: str) -> None:
    """An open gateway spends money for everybody."""
    with pytest.raises(StartRefused, match="without any API key"):
        check_bind(host, keys_exist=False)
    check_bind(host, keys_exist=True)


def test_limits_come_from_the_configuration() -> None:
    """The section's names are the doors' names."""
    service = ServiceSettings(
        listen="[::1]:9",
        drain_s=1,
        max_body_bytes=2,
        max_header_bytes=3,
        max_depth=4,
        max_nodes=5,
    )
    found = door_settings(service)

    assert ("::1", 9) == (found.host, found.port)
    assert (1, 2, 3, 4, 5) == (
        found.drain_s,
        found.max_body_bytes,
        found.max_header_bytes,
        found.max_depth,
        found.max_nodes,
    )
