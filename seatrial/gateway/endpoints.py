"""Every HTTP endpoint, who may use it and what handles it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from seatrial.errors import StartRefused
from seatrial.gateway.chat import chat
from seatrial.gateway.embeddings import embeddings
from seatrial.gateway.exchange import ErrorShape, Handler
from seatrial.gateway.health import live, ready
from seatrial.gateway.load import load
from seatrial.gateway.messages import messages
from seatrial.gateway.messages_out import error_body as messages_error
from seatrial.gateway.models import model, models
from seatrial.gateway.openai_out import error_body
from seatrial.gateway.responses import response, responses
from seatrial.gateway.targets import targets


class Permission(Enum):
    """Who may use an endpoint."""

    OPEN = "open"  # anybody who can reach it
    KEY = "key"  # holders of an API key, where keys are asked for


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; authorisation hangs on this object, never on the text of a URL.

    Args:
        method: GET also answers HEAD.
        path: what follows a trailing `{id}` is handed to the handler.
        permission: None is refused at start, so that no endpoint is open by being forgotten.
        errors: writes what goes wrong, as the endpoint's clients read it.
        sheds: whether a request may be refused for want of places before it is read.
    """

    method: str
    path: str
    permission: Permission | None
    handler: Handler
    errors: ErrorShape = error_body
    sheds: bool = False


TABLE: Final = (
    Endpoint("POST", "/v1/chat/completions", Permission.KEY, chat, sheds=True),
    Endpoint("POST", "/v1/responses", Permission.KEY, responses, sheds=True),
    Endpoint("GET", "/v1/responses/{id}", Permission.KEY, response),
    Endpoint("POST", "/v1/messages", Permission.KEY, messages, messages_error, sheds=True),
    Endpoint("POST", "/v1/embeddings", Permission.KEY, embeddings),
    Endpoint("GET", "/v1/models", Permission.KEY, models),
    Endpoint("GET", "/v1/models/{id}", Permission.KEY, model),
    Endpoint("GET", "/api/v1/targets", Permission.KEY, targets),
    Endpoint("GET", "/api/v1/load", Permission.KEY, load),
    Endpoint("GET", "/livez", Permission.OPEN, live),
    Endpoint("GET", "/readyz", Permission.OPEN, ready),
)

_TAIL: Final = "{id}"

ByMethod = dict[str, Endpoint]


class Routes:
    """Finds endpoints by path.

    Raises:
        StartRefused: an endpoint has no permission, or two are the same.
    """

    def __init__(self, table: Iterable[Endpoint]) -> None:
        self._exact: dict[str, ByMethod] = {}
        self._prefixes: dict[str, ByMethod] = {}
        for endpoint in table:
            if endpoint.permission is None:
                raise StartRefused(
                    f"{endpoint.method} {endpoint.path} says not who may use it.",
                    why="An endpoint without a permission would be open to everybody.",
                    fix="Declare `Permission.KEY`, or `Permission.OPEN` on purpose.",
                )
            tail = endpoint.path.endswith(_TAIL)
            where = self._prefixes if tail else self._exact
            methods = where.setdefault(endpoint.path.removesuffix(_TAIL), {})
            for method in (endpoint.method, "HEAD") if endpoint.method == "GET" else ("POST",):
                if method in methods:
                    raise StartRefused(f"{method} {endpoint.path} is there twice.")
                methods[method] = endpoint

    def find(self, path: str) -> tuple[ByMethod, str] | None:
        """Return the endpoints of a path by method, and its argument."""
        exact = self._exact.get(path)
        if exact is None and path[-1:] == "/":
            exact = self._exact.get(path[:-1])
        if exact is not None:
            return exact, ""
        for prefix, methods in self._prefixes.items():
            if path.startswith(prefix):
                argument = path.removeprefix(prefix).removesuffix("/")
                return (methods, argument) if argument else None
        return None
