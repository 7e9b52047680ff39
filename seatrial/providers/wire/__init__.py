"""The upstream's wire: an HTTP/1.1 client with no more in it than a call of a model needs.

It refuses what a general client offers: redirects, cookies, proxies, retries, other methods
than POST.  A request's way: `transport` writes it (`requests`) to a kept connection (`pool`)
or a new one (`dialling`); `connection` has the reply parsed into a `reply`, which the caller
reads.
"""

from seatrial.providers.wire.transport import WireTransport

__all__ = [
    "WireTransport",
    "connection",
    "dialling",
    "parsing",
    "pool",
    "reply",
    "requests",
    "transport",
    "troubles",
]
