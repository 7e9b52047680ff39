"""`POST /v1/messages`: Anthropic's shape in, the same engine behind it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from seatrial.gateway.dialect import Dialect
from seatrial.gateway.exchange import Exchange
from seatrial.gateway.messages_in import read_messages
from seatrial.gateway.messages_out import MessageWriter
from seatrial.gateway.talk import talk

MESSAGES: Final = Dialect(read_messages, MessageWriter)


def messages(exchange: Exchange) -> Awaitable[None]:
    """Answer one request in the shape of Anthropic's Messages."""
    return talk(exchange, MESSAGES)
