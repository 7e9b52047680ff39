"""What can go wrong on the wire, in words; nothing the other side sent is quoted."""

from __future__ import annotations

from typing import Final

from seatrial.values.attempts import Cause, Failure


def _unsent(reason: str, cause: Cause = Cause.UNREACHABLE) -> Failure:
    return Failure(cause, reason, sent=False)


NO_URL: Final = _unsent("The address is not a URL.")
UNSENDABLE: Final = _unsent("The request cannot be sent.")
UNKNOWN_HOST: Final = _unsent("The host's name is not known.")
REFUSED: Final = _unsent("The connection was refused.")
UNTRUSTED: Final = _unsent("No trusted TLS connection came about.")
NOT_IN_TIME: Final = _unsent("No connection came about in time.", Cause.CONNECT_TIMEOUT)

LOST: Final = Failure(Cause.CONNECTION_LOST, "The connection was lost.")
MALFORMED: Final = Failure(Cause.INVALID_ANSWER, "The reply is not well-formed HTTP.")
SHORT: Final = "The reply ended before its end."
TOO_LARGE: Final = "The reply is too large."
NOT_PACKED: Final = "The reply cannot be decompressed."
LET_GO: Final = "The reply was let go."
