"""A refusal in the moment in which a request comes: without a task, without its body.

While more comes than can be done nearly all work is saying no, and what that costs is taken from
those who are answered.  Whatever is out of the ordinary is left to the doors, who say the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from seatrial.gateway import openai_out as out
from seatrial.gateway.endpoints import Permission, Routes
from seatrial.gateway.exchange import ErrorShape, ServerState
from seatrial.gateway.face import App
from seatrial.gateway.faults import Fault, show_refused
from seatrial.gateway.headers import HostCheck, credential, criticality, read_headers
from seatrial.gateway.opening import opening_of
from seatrial.gateway.scopes import HttpScope
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.turn import Turn
from seatrial.values.decisions import Refused

MOMENT_S: Final = 0.1  # after a refusal the next is likely; otherwise nobody is looked at twice
_ID: Final = b"<the id of this request>"
_NOTHING: Final[dict[str, str]] = {}


class Doorkeeper:
    """Turns requests away before the doors have seen them.

    Args:
        app: says whom.
        settings: limits of headers and the names of the host.
        state: knows when the doors last turned somebody away.
        routes: the endpoints.
    """

    def __init__(
        self, app: App, settings: DoorSettings, state: ServerState, routes: Routes
    ) -> None:
        self._app = app
        self._settings = settings
        self._state = state
        self._routes = routes
        self._hosts = HostCheck(settings)

    def turns_away(self, turn: Turn, scope: HttpScope) -> bool:
        """Refuse one whom the doors would refuse for want of places; False to let them look.

        Args:
            turn: nothing of it is answered yet.
            scope: its head.
        """
        state = self._state
        if turn.came > state.refused_at + MOMENT_S or state.stopping:
            return False
        found = self._routes.find(scope["path"])
        endpoint = found[0].get(scope["method"]) if found else None
        if endpoint is None or not endpoint.sheds or endpoint.permission is not Permission.KEY:
            return False
        refused = self._refusal(scope)
        if refused is None:
            return False
        state.refused_at = turn.came
        app = self._app
        request_id = app.new_id()
        head, body = _words(refused.code, refused.message, refused.retry_after_s, endpoint.errors)
        own = request_id.encode("ascii")
        turn.tell(head.replace(_ID, own), body.replace(_ID, own))
        app.told(app.now() - turn.came)
        return True

    def _refusal(self, scope: HttpScope) -> Refused | None:
        try:
            found = read_headers(scope["headers"], self._settings)
            if b"idempotency-key" in found:
                return None  # whoever asked before gets what came of it
            self._hosts.check(found)
            caller = self._app.authenticate(credential(found))
            if isinstance(caller, Refused):
                return None
            return self._app.shed(caller, criticality(found, _NOTHING))
        except Fault:
            return None


@lru_cache(maxsize=1024)
def _words(
    code: str, message: str, retry_after_s: float | None, errors: ErrorShape
) -> tuple[bytes, bytes]:
    """Return head and body of a refusal, but for its id: few differ in anything else."""
    shown = show_refused(Refused(code, message, retry_after_s=retry_after_s))
    headers = [out.JSON_TYPE, (b"x-request-id", _ID), *out.error_headers(shown)]
    return opening_of(shown.status, headers, b"")[:-2], errors(shown, _ID.decode("ascii"))
