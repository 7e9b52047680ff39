"""`seatrial init`: a first seatrial.toml, and an experiment to serve."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from seatrial.cli import terminal
from seatrial.cli.options import Json
from seatrial.errors import Misuse

STARTER: Final = ("seatrial.toml", "answers.py", "prompts/support.md")
IGNORED: Final = ("seatrial.db*", ".seatrial/")
NEXT: Final = (
    ("check", "is everything as it should be?"),
    ('ask support "Where is my order?"', "ask the feature once"),
    ("serve", "let applications ask it"),
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="\b\nExample:\n  seatrial init my-service")
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where; made if it is missing.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Write a first seatrial.toml that runs without any key.

    Nothing that exists is overwritten.
    """
    try:
        written, kept = _write(folder)
    except OSError as error:
        raise Misuse(
            f"Nothing can be written to {folder}.",
            why=f"{error.strerror or error}.",
            fix="Name another folder: seatrial init DIR",
        ) from error
    next_steps = [f"{terminal.program()} {command}" for command, _ in NEXT]
    if folder != Path():
        next_steps.insert(0, f"cd {folder}")
    if as_json:
        terminal.tell_json(
            {"folder": str(folder), "written": written, "kept": kept, "next": next_steps}
        )
        return
    _tell(folder, written, kept)


def _write(folder: Path) -> tuple[list[str], list[str]]:
    """Write what is missing; return what was written and what was there already."""
    written, kept = [], []
    for name in STARTER:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        source = files("seatrial.cli").joinpath("starter", *name.split("/"))
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(source.read_text(encoding="utf-8"))
        except FileExistsError:
            kept.append(name)
        else:
            written.append(name)
    (written if _ignore(folder / ".gitignore") else kept).append(".gitignore")
    return written, kept


def _ignore(file: Path) -> bool:
    """Add the lines for what a running server leaves behind; False when all are there."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = [line for line in IGNORED if line not in text.splitlines()]
    if missing:
        gap = "" if not text or text.endswith("\n") else "\n"
        with file.open("a", encoding="utf-8") as opened:
            opened.write(gap + "\n".join(missing) + "\n")
    return bool(missing)


def _tell(folder: Path, written: list[str], kept: list[str]) -> None:
    console = terminal.output()
    for name in written:
        console.print(f"[green]wrote[/]  {terminal.escape(str(folder / name))}")
    for name in kept:
        console.print(f"[yellow]kept[/]   {terminal.escape(str(folder / name))}, as it was there")
    console.print("\nNext:")
    seatrial = terminal.program()
    if folder != Path():
        console.print(f"  cd {terminal.escape(str(folder))}")
        seatrial = seatrial if seatrial == "seatrial" else str(Path(seatrial).absolute())
    for command, about in NEXT:
        console.print(f"  {seatrial} {command:<34}[dim]{about}")
