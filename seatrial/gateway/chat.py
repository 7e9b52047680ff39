"""`POST /v1/chat/completions`: a chat request to a decision, and back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from seatrial.gateway.dialect import Dialect
from seatrial.gateway.exchange import Exchange
from seatrial.gateway.openai_events import ChatWriter
from seatrial.gateway.openai_in import read_chat
from seatrial.gateway.talk import talk

CHAT: Final = Dialect(read_chat, ChatWriter, as_it_came=True)


def chat(exchange: Exchange) -> Awaitable[None]:
    """Answer one chat request."""
    return talk(exchange, CHAT)
