"""The table of commands, and what is the same for all of them: loading, errors, exit codes."""

from __future__ import annotations

import importlib
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from seatrial.errors import ConfigError, Misuse, SeatrialError

MODULE: Final = "seatrial.cli"

# Name: where it lives, and its line in `seatrial --help`.
COMMANDS: Final = {
    "demo": ("demo.command", "Watch an AI feature sail through bad weather: no key, no network"),
    "init": ("init", "Write a first seatrial.toml that runs without any key"),
    "ask": ("ask", "Ask a feature one question from here"),
    "serve": ("serve", "Serve your features to applications, as OpenAI would"),
    "check": ("check", "Check the configuration, here and in CI"),
    "records": ("records", "Look up what was asked and how it was answered"),
    "checks": ("trying", "Run a file of inputs and answers through a feature's checks"),
    "budget": ("budget", "Show what was spent of each budget, or change one"),
    "config": ("config", "Show the configuration in force, or its schema"),
    "keys": ("keys", "Create, list and revoke API keys"),
    "migrate": ("migrate", "Bring the store's schema up to date"),
}

DONE, FAILED, MISUSED = 0, 1, 2

HELP: Final = """Takes an AI experiment into reliable service, and stays aboard.

\b
First steps:
  seatrial demo                               see what it is for, in under a minute
  seatrial init                               write a seatrial.toml to start from
  seatrial ask support "Where is my order?"   ask the feature it describes
  seatrial serve                              let applications ask it
"""

EPILOG: Final = """\b
Every command knows --json and has an example in its --help.
Exit codes: 0 done, 1 it failed or problems were found, 2 the command line is wrong.
"""


class Commands(TyperGroup):
    """The commands of the table; a module is loaded when its command is to be run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # For lists and suggestions a name and a line are enough.
        for name, (_, line) in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=line, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was asked for, and load it."""
        name, found, rest = super().resolve_command(ctx, args)
        if found is None or name is None:
            return name, found, rest
        module = importlib.import_module(f"{MODULE}.{COMMANDS[name][0]}")
        command = typer.main.get_command(module.app)
        command.name = name
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours is told in words, not as a traceback."""
        from seatrial.cli import terminal

        try:
            return super().invoke(ctx)
        except SeatrialError as error:
            terminal.tell_error(error, as_json=bool(ctx.meta.get(terminal.JSON_WANTED)))
            raise typer.Exit(exit_code(error)) from error


def exit_code(error: SeatrialError) -> int:
    """Return 2 when the command line was wrong, 1 when what it asked for failed.

    >>> exit_code(ConfigError("seatrial.toml", ()))
    1
    """
    return MISUSED if isinstance(error, Misuse) and not isinstance(error, ConfigError) else FAILED


def build() -> Any:
    """Return the command line, ready to be called."""
    return typer.main.get_command(app)


app = typer.Typer(
    cls=Commands,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from seatrial import __version__

        typer.echo(f"seatrial {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_tell_version, is_eager=True, help="Say the version."
    ),
) -> None:
    """Hold the options that stand before a command."""
