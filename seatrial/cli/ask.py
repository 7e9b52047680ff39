"""`seatrial ask`: one question, through the same engine and into the same records as `serve`."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.errors import UnknownFeature
from seatrial.values.chat import Answer
from seatrial.values.requests import Caller, Request

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.values.chat import Piece
    from seatrial.values.decisions import Head, Settled

INTERRUPTED: Final = 130  # as shells count an end by Ctrl-C

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    epilog='\b\nExample:\n  seatrial ask support "Where is my order?"\n'
    "  seatrial ask support --stream --var language=Welsh - < question.txt"
)
def ask(
    feature: Annotated[str, typer.Argument(help="Its name in the configuration.")],
    question: Annotated[str, typer.Argument(help="What to ask; - reads it from the input.")],
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it comes.")] = False,
    var: Annotated[
        list[str],
        typer.Option("--var", metavar="NAME=VALUE", help="A variable of the prompt; repeatable."),
    ] = [],  # noqa: B006 - typer copies it
    user: Annotated[str, typer.Option(help="Who asks, for the record.")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Ask a feature one question, and say who answered.

    Exit code 1 when nothing answered, or when the answer is that it will not.
    """
    text = sys.stdin.read() if question == "-" else question
    asked = _Asked(feature, text, stream and not as_json, read_variables(var), user)
    try:
        settled, took_s = asyncio.run(_ask(config, asked))
    except KeyboardInterrupt:
        _tell_stopped(asked)
        raise typer.Exit(INTERRUPTED) from None
    if _tell(settled, took_s, as_json=as_json).refused:
        raise typer.Exit(1)


class _Asked:
    """What is asked, from the command line."""

    def __init__(
        self, feature: str, text: str, stream: bool, variables: dict[str, str], user: str
    ) -> None:
        self.feature = feature
        self.text = text
        self.stream = stream
        self.variables = variables
        self.user = user
        self.id = ""  # of its record, once it is on its way


class _Printing:
    """Prints the pieces of a streamed answer."""

    async def begin(self, head: Head) -> None:
        """Do nothing: who answers is said at the end."""

    async def send(self, piece: Piece) -> None:
        """Print a piece."""
        print(piece.text or piece.refusal, end="", flush=True)


def read_variables(given: list[str]) -> dict[str, str]:
    """Return the variables of `--var NAME=VALUE`.

    >>> read_variables(["language=Welsh", "sum=1+1=2"])
    {'language': 'Welsh', 'sum': '1+1=2'}
    """
    variables = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{each!r} is no variable. Write --var NAME=VALUE.")
        variables[name] = value
    return variables


async def _ask(config: Path, asked: _Asked) -> tuple[Settled, float]:
    from seatrial.app import Seatrial

    app = Seatrial.open(config)
    if asked.feature not in app.plans():
        known = ", ".join(app.plans()) or "none"
        raise UnknownFeature(f"There is no feature {asked.feature!r}.", why=f"There are: {known}.")
    async with app:
        began_at = app.now()
        asked.id = app.new_id()
        request = Request(
            id=asked.id,
            feature=asked.feature,
            body={"messages": [{"role": "user", "content": asked.text}]},
            deadline=began_at + app.deadline_s(asked.feature),
            stream=asked.stream,
            variables=asked.variables,
            caller=Caller(user=asked.user),
        )
        settled = await app.answer(request, _Printing() if asked.stream else None)
        return settled, app.now() - began_at


def _tell_stopped(asked: _Asked) -> None:
    if asked.stream:
        print(flush=True)
    words = "Stopped before there was an answer."
    if asked.id:
        words = f"Stopped. The record says abandoned: seatrial records show {asked.id[:14]}"
    terminal.notes().print(f"[dim]{words}")


def _tell(settled: Settled, took_s: float, *, as_json: bool) -> Answer:
    """Print the answer, then a line on who gave it; raise what the caller should see instead."""
    from seatrial.app.calling import reply_of

    if settled.began:
        print(flush=True)
    reply = reply_of(settled)
    answer = reply.answer or Answer(reply.text)
    if as_json:
        value: dict[str, Any] = {
            "text": reply.text,
            "decision": reply.decision.value,
            "target": reply.target,
            "tier": reply.tier,
            "reason": reply.reason,
            "refused": answer.refused,
            "took_s": round(took_s, 4),
            "record_id": reply.record_id,
            "release": reply.release,
        }
        terminal.tell_json(value)
        return answer
    if not settled.began:
        print(reply.text, flush=True)  # before the notes, wherever both go
    facts = [
        f"[{terminal.COLOURS[reply.decision.value]}]{reply.decision.value}[/]",
        f"{terminal.escape(reply.target)}, tier {reply.tier}",
        terminal.seconds(took_s),
        f"seatrial records show {reply.record_id[:14]}",
    ]
    console = terminal.notes()
    console.print("[dim]" + " · ".join(facts))
    if reply.reason:
        console.print(f"[dim]because {terminal.escape(reply.reason)}")
    if answer.refused:
        console.print(f"[dim]{terminal.escape(reply.target)} declined to answer this.")
    return answer
