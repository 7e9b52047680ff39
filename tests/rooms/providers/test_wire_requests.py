"""What is written before a body."""

import pytest

from seatrial.providers.wire.requests import Origin, head_of, place_of


@pytest.mark.parametrize(
    ("url", "origin", "target", "host"),
    [
        ("http://a/v1", Origin("a", 80, tls=False), "/v1", "a"),
        ("https://A.example", Origin("a.example", 443, tls=True), "/", "a.example"),
        ("http://a:81/b?c=d", Origin("a", 81, tls=False), "/b?c=d", "a:81"),
        ("http://[::1]:81/", Origin("::1", 81, tls=False), "/", "[::1]:81"),
        ("https://a:443/", Origin("a", 443, tls=True), "/", "a"),
        ("https://a:80/", Origin("a", 80, tls=True), "/", "a:80"),
        ("http://b\u00fccher/", Origin("xn--bcher-kva", 80, tls=False), "/", "xn--bcher-kva"),
    ],
)
def test_url_is_taken_apart(url: str, origin: Origin, target: str, host: str) -> None:
    """Where to connect, and what to say there; usual ports go unsaid."""
    place = place_of(url)

    assert origin == place.origin
    assert f"POST {target} HTTP/1.1\r\nhost: {host}\r\n" == place.opening


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "ftp://a/",
        "http://",
        "http:///v1",
        "http://a:99999/",
        "http://a:b/",
        "http://a/b c",
        "http://a b/",
        "http://me:word@a/",
        "http://[::g]/",
        "http://a/\x7f",
        "http://a/ü",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError):  # noqa: PT011 - any
        place_of(url)


def test_head_holds_what_was_given_and_the_length() -> None:
    """In the order given."""
    head = head_of("POST / HTTP/1.1\r\nhost: a\r\n", {"x-a": "b", "x-c": "é"}, length=7)

    assert b"POST / HTTP/1.1\r\nhost: a\r\nx-a: b\r\nx-c: \xe9\r\ncontent-length: 7\r\n\r\n" == head


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nhost: b"),
        ("x", "a\n"),
        ("x", "a\rb"),
        ("x\r\ny", "a"),
        ("x", "a\0"),
        ("x", "€"),
        ("host", "b"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
    ],
)
def test_header_that_would_say_something_else_is_refused(name: str, value: str) -> None:
    """A header can neither bring another one nor change where the body ends."""
    with pytest.raises(ValueError):  # noqa: PT011 - any
        head_of("POST / HTTP/1.1\r\nhost: a\r\n", {"x-a": "b", name: value}, length=1)
