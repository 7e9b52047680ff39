"""`POST /v1/messages`: Anthropic's shape in, the same engine behind it."""

from __future__ import annotations

from typing import Final

from seatrial.gateway.dialect import Dialect
from seatrial.gateway.exchange import Exchange
from seatrial.gateway.messages_in import read_messages
from seatrial.gateway.messages_out import MessageWriter
from seatrial.gateway.talk import talk

MESSAGES: Final = Dialect(read_messages, MessageWriter)


async def messages(exchange: Exchange) -> None:
    """Answer one request in the shape of Anthropic's Messages."""
    await talk(exchange, MESSAGES)
