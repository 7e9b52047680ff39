"""The log of `seatrial serve`: one event a line, JSON for programs or plain words for people.

Built on the standard library, so that a server does not carry a terminal's libraries. It holds no
secrets and no callers' texts: of errors it takes the type and the place, never the message.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from typing import Any, Final

import msgspec

NAME: Final = "seatrial"
FRAMES: Final = 5  # of an error's place, the innermost
BAD_ENDS: Final = (".failed", ".rejected")

_COLOURS: Final = {logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31"}
_encode: Final = msgspec.json.Encoder(enc_hook=repr).encode


class Log:
    """Writes events."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(NAME)

    def tell(self, event: str, facts: dict[str, Any]) -> None:
        """Write one event; its name says whether it is bad news."""
        level = logging.WARNING if event.endswith(BAD_ENDS) else logging.INFO
        self._logger.log(level, event, extra={"facts": facts})


def open_log(*, in_json: bool) -> Log:
    """Set up the process's log on the output, and return ours."""
    handler = _Output()
    handler.setFormatter(_Json() if in_json else _Words(coloured=_has_colours()))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(NAME).setLevel(logging.INFO)
    return Log()


class _Output(logging.Handler):
    """The output as it is at each line, flushed; it may be closed while the server runs on."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()  # a pipe would keep lines back until its buffer is full
        except (OSError, ValueError):
            pass  # whoever read it is gone; answers are worth more than the log


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = {
            "timestamp": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": _event(record),
        }
        return _encode(head | _facts(record)).decode()


class _Words(logging.Formatter):
    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        short, long = [], []
        for name, value in _facts(record).items():
            if isinstance(value, list | tuple):
                long += [f"\n          {_plain(each)}" for each in value]
            else:
                short.append(f"  {self._paint('2', name)} {_plain(value)}")
        colour = _COLOURS.get(record.levelno, "31")
        event = self._paint(colour, _event(record))
        return f"{self._paint('2', moment)}  {event}{''.join(short)}{''.join(long)}"

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


def _event(record: logging.LogRecord) -> str:
    # Of other people's loggers the message is a sentence: the logger's name stands for the event.
    return str(record.msg) if hasattr(record, "facts") else record.name


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    known: dict[str, Any] | None = getattr(record, "facts", None)
    facts: dict[str, Any] = {"message": record.getMessage()} if known is None else {**known}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        facts["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        facts["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return facts


def _plain(value: object) -> str:
    """Write a value on one line, without signs that would steer a terminal."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    return "".join(sign if sign.isprintable() else "�" for sign in str(value))


def _has_colours() -> bool:
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
