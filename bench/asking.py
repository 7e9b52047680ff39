"""The process that measures `app.ask`, driven slice by slice from outside."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.contenders import ROOT
from bench.processes import DidNotStart, on_core, process_cpu_ns

PATIENCE_S: Final = 30.0  # for one answer


class Asking:
    """The process that measures `app.ask`, one slice per line."""

    def __init__(
        self, command: Sequence[str], core: int | None, log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._command = tuple(command)
        self._log = log
        with on_core(core), log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, start_new_session=True, env={**os.environ, **(env or {})},
            )  # fmt: skip
        self._read()

    def once(self) -> float:
        """One slice: microseconds of processor time per call."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return float(self._read()["us_per_call"])

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def profile(self) -> str:
        """One slice under cProfile, in a process of its own; the table as text."""
        done = subprocess.run(
            [*self._command, "--profile"], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        return done.stdout

    def cpu_ns(self) -> int:
        """Processor time that it has used so far, in nanoseconds."""
        return process_cpu_ns(self._process.pid)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        output = self._process.stdout
        assert output is not None
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if select.select([output], [], [], 0.2)[0]:
                line = output.readline()
                if line.startswith(b"{"):
                    known: dict[str, Any] = json.loads(line)
                    return known
                if not line:
                    break
        self.stop()
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        raise DidNotStart(f"the process that asks gave no figure: {' '.join(said) or 'no word'}")
