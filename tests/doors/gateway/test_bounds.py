"""The limits of JSON: exact where they bind, cheap where they do not."""

import time

import pytest

from seatrial.gateway.bounds import decode
from seatrial.gateway.faults import Fault
from seatrial.gateway.settings import DoorSettings

SETTINGS = DoorSettings()
SMALL = DoorSettings(max_nodes=100)
MIB = 1 << 20


def refused(body: bytes, settings: DoorSettings = SETTINGS) -> str:
    """Return why a body is refused; empty when it is not."""
    try:
        decode(body, settings)
    except Fault as fault:
        return fault.message
    return ""


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_is_exact(opening: bytes) -> None:
    """Sixty-four levels pass, sixty-five do not, a million do not either."""
    closing = b"]" if opening == b"[" else b"}"

    assert "" == refused(opening * 63 + b"[]" + closing * 63)
    assert "deeply nested" in refused(opening * 64 + b"[]" + closing * 64)
    assert "deeply nested" in refused(opening * 500 + b"[]" + closing * 500)
    assert "" != refused(opening * MIB)


def test_brackets_in_text_do_not_count() -> None:
    """The gate is coarse, the count behind it is not."""
    assert "" == refused(b'{"a":"' + b"[{" * 1000 + b'"}')


def test_nodes_are_exact() -> None:
    """The value itself and all inside it."""
    assert "" == refused(b"[" + b"0," * 98 + b"0]", SMALL)
    assert "too many values" in refused(b"[" + b"0," * 120 + b"0]", SMALL)
    assert "too many values" in refused(b"[" + b'{"a":0},' * 60 + b"0]", SMALL)
    assert "" == refused(b'{"a":"' + b"1,2,[" * 500 + b'"}', SMALL)
    assert "too many values" in refused(b'"a"' * 500 + b"[[[" * 50, SMALL)


@pytest.mark.parametrize("number", ["1" * 64, "0." + "1" * 63, "-" + "1" * 64, "1" * 60 + "e-99"])
def test_long_numbers_pass_up_to_the_limit(number: str) -> None:
    """Sixty-four digits."""
    assert "" == refused(f'{{"a":{number}}}'.encode())


@pytest.mark.parametrize("pad", range(0, 17, 3))
@pytest.mark.parametrize("number", ["1" * 65, "0." + "1" * 64, "1" * 100_000, "1" * 64 + "e-1"])
def test_longer_numbers_are_refused(number: str, pad: int) -> None:
    """Wherever they stand."""
    assert "more than 64 digits" in refused((" " * pad + f'{{"a":"b","c":{number}}}').encode())


def test_digits_in_text_do_not_count() -> None:
    """A string may hold what it likes."""
    assert "" == refused(b'{"a":"' + b"1" * 100_000 + b'","b":"\\"' + b"2" * 100 + b'"}')


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * (5 * MIB),
        b'"' + b'\\"' * (5 * MIB) + b"1" * 100,
        b'"a"' * (3 * MIB) + b"1" * 100,
        b"[" + b"{}," * (3 * MIB) + b"0]",
        b"[" + b'"a",' * (2 * MIB) + b"0]",
        b"[" * (10 * MIB),
        b"[" + b"1" * (10 * MIB) + b"]",
        b"[" + b"1e" * (5 * MIB) + b"]",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_hostile_bodies_take_bounded_time(body: bytes) -> None:
    """Ten megabytes of malice are refused in well under a second."""
    started = time.process_time()

    assert "" != refused(body)
    assert time.process_time() - started < 1.0
