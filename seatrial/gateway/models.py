"""`GET /v1/models`: the features that a caller may ask, as models."""

from __future__ import annotations

from typing import Any

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import Exchange
from seatrial.gateway.faults import Fault


async def models(exchange: Exchange) -> None:
    """List the features."""
    data = [_model(*each) for each in exchange.app.models(exchange.caller)]
    await _send(exchange, {"object": "list", "data": data})


async def model(exchange: Exchange) -> None:
    """Show one feature."""
    for name, created in exchange.app.models(exchange.caller):
        if name == exchange.argument:
            await _send(exchange, _model(name, created))
            return
    raise Fault(
        "model_not_found",
        "There is no such model, or this key may not use it. GET /v1/models lists those you may.",
        param="model",
    )


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "seatrial"}


async def _send(exchange: Exchange, value: dict[str, Any]) -> None:
    headers = [(b"x-request-id", exchange.id.encode("ascii"))]
    await exchange.reply(200, out.encode(value), headers)
