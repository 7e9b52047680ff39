"""`POST /v1/responses`: OpenAI's younger door to the same engine."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from seatrial.gateway.dialect import Dialect
from seatrial.gateway.exchange import Exchange
from seatrial.gateway.faults import Fault
from seatrial.gateway.responses_in import read_responses
from seatrial.gateway.responses_out import ResponseWriter
from seatrial.gateway.talk import talk

RESPONSES: Final = Dialect(read_responses, ResponseWriter)


def responses(exchange: Exchange) -> Awaitable[None]:
    """Answer one request in the shape of OpenAI's Responses."""
    return talk(exchange, RESPONSES)


async def response(exchange: Exchange) -> None:
    """Say that no response is kept: 404; its record is."""
    raise Fault(
        "not_found",
        "Responses are not kept here. The record of one has the id in its header "
        "`seatrial-record`. Send the whole conversation in 'input' to go on with it.",
    )
