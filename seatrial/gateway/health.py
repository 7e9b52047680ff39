"""`/livez` and `/readyz`: for those who watch over the process."""

from __future__ import annotations

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import Exchange

_NO_STORE = (b"cache-control", b"no-store")


async def live(exchange: Exchange) -> None:
    """Say whether the event loop keeps its time; nothing else can fail this."""
    alive = exchange.app.live()
    headers = [(b"x-request-id", exchange.id.encode("ascii")), _NO_STORE]
    await exchange.reply(200 if alive else 503, b'{"live":%b}' % _word(alive), headers)


async def ready(exchange: Exchange) -> None:
    """Say whether requests can be answered, and which parts are away."""
    readiness = exchange.app.ready()
    degraded = [*readiness.degraded]
    ok = readiness.ok
    if exchange.state.stopping:
        ok = False
        degraded.append("stopping")
    body = out.encode({"ready": ok, "degraded": degraded})
    headers = [(b"x-request-id", exchange.id.encode("ascii")), _NO_STORE]
    await exchange.reply(200 if ok else 503, body, headers)


def _word(truth: bool) -> bytes:
    return b"true" if truth else b"false"
