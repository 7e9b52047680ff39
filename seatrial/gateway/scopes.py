"""The part of ASGI that the doors speak, typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, NotRequired, TypedDict

Headers = list[tuple[bytes, bytes]]


class HttpScope(TypedDict):
    """One HTTP request as the server announces it."""

    type: Literal["http"]
    http_version: str
    method: str
    path: str
    headers: Iterable[tuple[bytes, bytes]]
    asgi: NotRequired[dict[str, str]]
    scheme: NotRequired[str]
    raw_path: NotRequired[bytes]
    query_string: NotRequired[bytes]
    root_path: NotRequired[str]
    client: NotRequired[Any]
    server: NotRequired[Any]


Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[HttpScope, Receive, Send], Awaitable[None]]
