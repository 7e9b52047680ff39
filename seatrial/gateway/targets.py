"""`GET /api/v1/targets`: how the targets do, for displays and people."""

from __future__ import annotations

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import Exchange

_NO_STORE = (b"cache-control", b"no-store")


async def targets(exchange: Exchange) -> None:
    """List every address and key that was asked so far, with its breaker's state."""
    views = [
        {
            "target": view.target,
            "outlet": view.outlet,
            "state": view.state,
            "rests_s": round(view.rests_s, 3),
            "in_flight": view.in_flight,
        }
        for view in exchange.app.health()
    ]
    headers = [(b"x-request-id", exchange.id.encode("ascii")), _NO_STORE]
    await exchange.reply(200, out.encode(views), headers)
