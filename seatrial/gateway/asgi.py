"""The raw ASGI function: finds the endpoint, lets the caller in, and keeps errors inside."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Final

from seatrial.gateway.endpoints import TABLE, Endpoint, Permission, Routes
from seatrial.gateway.exchange import CallerGone, Exchange, ServerState, stopping
from seatrial.gateway.face import App
from seatrial.gateway.faults import Fault, show_fault, show_refused
from seatrial.gateway.headers import HostCheck, credential, read_headers
from seatrial.gateway.scopes import Asgi, HttpScope, Receive, Send
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.turn import Turn
from seatrial.gateway.ways import AsgiWay
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

_log: Final = logging.getLogger("seatrial.gateway")
_OPEN: Final = Permission.OPEN
_NOBODY: Final = Caller()
_FAILED: Final = (
    "The gateway failed to answer this request. Its operator finds the reason in the log, by the "
    "request id."
)


def build(
    app: App,
    settings: DoorSettings | None = None,
    *,
    state: ServerState | None = None,
    table: tuple[Endpoint, ...] = TABLE,
) -> Asgi:
    """Return the ASGI function that serves `app`.

    Raises:
        StartRefused: an endpoint of the table has no permission.
    """
    return _Doors(app, settings or DoorSettings(), state or ServerState(), Routes(table)).serve


class _Doors:
    def __init__(
        self, app: App, settings: DoorSettings, state: ServerState, routes: Routes
    ) -> None:
        self._app = app
        self._settings = settings
        self._state = state
        self._routes = routes
        self._hosts = HostCheck(settings)

    async def serve(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served here")  # servers take this for "no"
        exchange = Exchange(
            self._app,
            self._settings,
            self._state,
            self._app.new_id(),
            send if isinstance(send, Turn) else AsgiWay(receive, send),
            {},
            _NOBODY,
        )
        try:
            endpoint = self._match(scope, exchange)
            if endpoint.permission is not _OPEN:
                refused = self._admit(scope, exchange)
                if refused is not None:
                    await exchange.fail(show_refused(refused))
                    return
            await endpoint.handler(exchange)
        except Fault as fault:
            request_id = (b"x-request-id", exchange.id.encode("ascii"))
            await exchange.fail(show_fault(fault), [request_id, *fault.headers])
        except CallerGone:
            pass
        except asyncio.CancelledError:
            if not exchange.started:
                await exchange.fail(stopping())
            raise
        except Exception as error:  # noqa: BLE001 - the one boundary: no exception's text leaves
            _note(error, exchange.id)
            if not exchange.started:
                await exchange.fail(show_fault(Fault("internal_error", _FAILED)))
        finally:
            if exchange.held:
                exchange.let_go()

    def _match(self, scope: HttpScope, exchange: Exchange) -> Endpoint:
        path = scope["path"]
        found = self._routes.find(path)
        if found is None:
            raise Fault(
                "not_found",
                "There is nothing at this path. The base URL of this gateway ends in /v1.",
            )
        methods, exchange.argument = found
        endpoint = methods.get(scope["method"])
        exchange.errors = (endpoint or next(iter(methods.values()))).errors
        if endpoint is None:
            allow = ", ".join(methods)
            raise Fault(
                "method_not_allowed",
                f"This path takes {allow}.",
                headers=((b"allow", allow.encode("ascii")),),
            )
        return endpoint

    def _admit(self, scope: HttpScope, exchange: Exchange) -> Refused | None:
        """Let the caller in, or say why not."""
        found = read_headers(scope["headers"], self._settings)
        self._hosts.check(found)
        caller = self._app.authenticate(credential(found))
        if isinstance(caller, Refused):
            return caller
        exchange.found = found
        exchange.caller = caller
        return None


def _note(error: Exception, request_id: str) -> None:
    """Leave a trace of what should not have happened, without the caller's text."""
    where = traceback.extract_tb(error.__traceback__)
    facts = {
        "request_id": request_id,
        "error": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in where[-5:]],
    }
    _log.error("request.failed", extra={"facts": facts})
