"""A gateway in a process of its own, to be watched, signalled and killed."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.request import urlopen

from seatrial.errors import Misuse

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 60.0
KEPT_LINES: Final = 20_000


class DidNotStart(Misuse):
    """The process ended, or said nothing, before it served."""

    code = "did_not_start"


class GatewayProcess:
    """`seatrial serve` as a process; use it in a `with` block, which ends it.

    Args:
        config: the file to serve.
        listen: host and port instead of the file's; port 0 takes a free one.
        command: what to run instead; it must print a JSON line with `"event": "serving"` and `url`.
        environ: the environment; this process's own when None.

    Attributes:
        url: the address with its `/v1`, as an OpenAI client wants it.
        events: every line of its log, oldest first; a line that is no JSON as `{"text": …}`.
    """

    def __init__(
        self,
        config: Path | str,
        *,
        listen: str = "127.0.0.1:0",
        command: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.url = ""
        self.events: list[dict[str, Any]] = []
        self.start_s = 0.0
        self._command = list(command) or [
            *(sys.executable, "-m", "seatrial", "serve", "-c", str(config)),
            *("--listen", listen, "--json"),
        ]
        self._environ = None if environ is None else dict(environ)
        self._heard = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start, and wait until it serves."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, by force when it does not listen."""
        self.end()

    @property
    def pid(self) -> int:
        """Give the process's number."""
        return self._running().pid

    @property
    def port(self) -> int:
        """Give the port it listens on."""
        return int(self.url.split("://", 1)[1].split("/", 1)[0].rpartition(":")[2])

    def start(self) -> None:
        """Start the process and return when it serves.

        Raises:
            DidNotStart: with the end of what it said.
        """
        began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command, or the tester's
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environ,
        )
        self._reader = threading.Thread(target=self._listen, name="gateway's log", daemon=True)
        self._reader.start()
        told = self.wait_for(lambda event: event.get("event") == "serving", START_LIMIT_S)
        if told is None:
            said = "\n".join(str(event.get("text", event)) for event in self.events[-20:])
            self.end()
            raise DidNotStart("The gateway did not start.", why=said or "It said nothing.")
        self.url = str(told["url"])
        self.start_s = time.monotonic() - began

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._running().send_signal(number)

    def kill(self) -> None:
        """Kill -9, and wait until the process is gone."""
        process = self._running()
        process.kill()
        process.wait(STOP_LIMIT_S)

    def ended(self, limit_s: float = STOP_LIMIT_S) -> int | None:
        """Wait for its end; return its exit status, or None when it still runs."""
        try:
            status = self._running().wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        if self._reader is not None:
            self._reader.join(5)
        return status

    def end(self) -> None:
        """Stop it politely, and by force when that takes too long."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_LIMIT_S)
        if process.poll() is None:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(5)
        if process.stdout is not None:
            process.stdout.close()

    def wait_for(
        self, meant: Callable[[dict[str, Any]], bool], limit_s: float, *, since: int = 0
    ) -> dict[str, Any] | None:
        """Return the first event from number `since` on that is meant; None when none comes."""
        deadline = time.monotonic() + limit_s
        place = since
        with self._heard:
            while True:
                while place < len(self.events):
                    if meant(self.events[place]):
                        return self.events[place]
                    place += 1
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._is_silent():
                    return None
                self._heard.wait(min(left_s, 0.1))

    def ready(self) -> dict[str, Any]:
        """Return what `/readyz` says."""
        root = self.url.removesuffix("/v1")
        try:
            with urlopen(f"{root}/readyz", timeout=10) as reply:  # noqa: S310 - our own process
                body: dict[str, Any] = json.load(reply)
        except OSError as error:
            reader = getattr(error, "read", None)
            if reader is None:
                raise
            body = json.loads(reader())
        return body

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise Misuse("The gateway is not running.", fix="Use it in a `with` block.")
        return self._process

    def _is_silent(self) -> bool:
        return self._reader is not None and not self._reader.is_alive()

    def _listen(self) -> None:
        stream = self._running().stdout
        if stream is None:
            return
        with contextlib.suppress(ValueError):
            for line in stream:
                try:
                    event = json.loads(line)
                except ValueError:
                    event = None
                with self._heard:
                    if len(self.events) < KEPT_LINES:
                        kept = event if isinstance(event, dict) else {"text": line.rstrip()}
                        self.events.append(kept)
                    self._heard.notify_all()
