"""The `seatrial` command: one file per command, loaded only when it is asked for."""

from __future__ import annotations

__all__ = [
    "ask", "budget", "check", "commands", "config", "costs", "demo", "init", "keys", "log", "main",
    "memory", "migrate", "opening", "options", "records", "rows", "serve", "since", "terminal",
    "timeline", "trying",
]  # fmt: skip


def main() -> None:
    """Run the command line of this process; its end is the process's end."""
    from seatrial.cli.commands import build

    build()(prog_name="seatrial")
