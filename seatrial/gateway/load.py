"""`GET /api/v1/load`: how much there is to do, and how many were not let in."""

from __future__ import annotations

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import Exchange

_NO_STORE = (b"cache-control", b"no-store")


async def load(exchange: Exchange) -> None:
    """Tell how much this process has to do, and how many requests it did not let in, by code."""
    view = exchange.app.load()
    told = {
        "in_flight": view.in_flight,
        "capacity": view.capacity,
        "queued": view.queued,
        "overloaded": view.overloaded,
        "lag_s": round(view.lag_s, 3),
        "refused": view.refused,
        "refusal_p99_s": round(view.refusal_p99_s, 6),
    }
    headers = [(b"x-request-id", exchange.id.encode("ascii")), _NO_STORE]
    await exchange.reply(200, out.encode(told), headers)
