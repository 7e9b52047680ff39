"""`seatrial keys`: who may ask over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from seatrial.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.app import Seatrial

app = typer.Typer(
    add_completion=False,
    help="Create, list and revoke API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  seatrial keys create web-shop --feature support",
)


@app.command(epilog="\b\nExample:\n  seatrial keys create web-shop --feature support")
def create(
    name: Annotated[str, typer.Argument(help="What people call it: an application, a team.")],
    feature: Annotated[
        list[str], typer.Option("--feature", help="Only for this feature; may be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Create an API key and show it, this once."""
    key, token = _open(config).create_key(name, features=tuple(feature))
    if as_json:
        terminal.tell_json({"key": token, **_value(key)})
        return
    console = terminal.output()
    console.print(token, style="bold", markup=False)
    console.print(
        f"[dim]This is the only time it is shown. Its id is {key.id}; applications send it as\n"
        "`Authorization: Bearer KEY`, as OpenAI's clients do with their `api_key`."
    )


@app.command("list", epilog="\b\nExample:\n  seatrial keys list")
def list_keys(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List the API keys; the keys themselves are not kept."""
    keys = _open(config).list_keys()
    if as_json:
        terminal.tell_json({"keys": [_value(key) for key in keys]})
        return
    console = terminal.output()
    if not keys:
        console.print("There is no key yet. Make one with: seatrial keys create NAME")
        return
    table = terminal.plain_table("id", "name", "features", "created", "state")
    for key in keys:
        at = key.revoked_at
        state = "in force" if at is None else f"revoked {terminal.moment(at)}"
        features = ", ".join(key.features) or "all"
        cells = (key.id, key.name, features, terminal.moment(key.created_at), state)
        table.add_row(*map(terminal.escape, cells), style="" if at is None else "dim")
    console.print(table)


@app.command(epilog="\b\nExample:\n  seatrial keys revoke 7f3a09c1d2")
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, as `seatrial keys list` shows it.")],
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Revoke an API key; running servers refuse it within seconds."""
    if not _open(config).revoke_key(id):
        raise Misuse(
            f"There is no key {id!r} in force.",
            fix="Find its id with: seatrial keys list",
        )
    if as_json:
        terminal.tell_json({"revoked": id})
    else:
        terminal.output().print(f"Revoked {terminal.escape(id)}. Servers refuse it within seconds.")


def _open(config: Path) -> Seatrial:
    from seatrial.cli.opening import open_with_store

    return open_with_store(config)


def _value(key: Any) -> dict[str, Any]:
    """Return a key as JSON holds it, without its digest."""
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "features": key.features,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
