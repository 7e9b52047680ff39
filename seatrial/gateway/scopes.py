"""The part of ASGI that the doors speak, typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, TypedDict

Headers = list[tuple[bytes, bytes]]


class HttpScope(TypedDict):
    """One HTTP request as the server announces it."""

    type: Literal["http"]
    http_version: str
    method: str
    path: str
    headers: Iterable[tuple[bytes, bytes]]


Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[HttpScope, Receive, Send], Awaitable[None]]
