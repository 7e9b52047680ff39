"""The schema: its version is read at start, and moved forward by `seatrial migrate` alone."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    inspect,
    text,
)

from seatrial.errors import StartRefused
from seatrial.store.tables import REVISION


def revision_of(connection: Connection) -> str:
    """Return the schema's revision; empty for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found or ""


def check(found: str, *, name: str) -> None:
    """Return if `found` is the revision we know; raise StartRefused with what to do."""
    if found == REVISION:
        return
    if not found:
        raise StartRefused(
            f"The store {name} has no tables of Seatrial yet.", fix="Run `seatrial migrate` once."
        )
    if found < REVISION:
        raise StartRefused(
            f"The store {name} has the schema of an older Seatrial.",
            why=f"It is at revision {found}; this Seatrial needs {REVISION}.",
            fix="Run `seatrial migrate`; a copy of the store beforehand is wise.",
        )
    raise StartRefused(
        f"The store {name} has the schema of a newer Seatrial.",
        why=f"It is at revision {found}; this Seatrial knows {REVISION}.",
        fix="Install the newer Seatrial, or name another store.",
    )


def create(connection: Connection) -> None:
    """Make the tables of an empty database, as all revisions together would make them.

    A server's first start does without Alembic: it would stay in memory ever after.
    """
    if revision_of(connection):
        return  # another process was quicker
    from seatrial.store.indexes import metadata

    metadata.create_all(connection)
    version = Table(
        "alembic_version",
        MetaData(),
        Column("version_num", String(32), nullable=False),
        PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    version.create(connection)
    connection.execute(version.insert().values(version_num=REVISION))


def upgrade(connection: Connection) -> list[str]:
    """Run the missing revisions in the connection's transaction; return them in order.

    One transaction for all: a death in the middle leaves the schema as it was.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    before = revision_of(connection)
    config = Config()
    config.set_main_option(
        "script_location", str(Path(__file__).parent / "migrations").replace("%", "%%")
    )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    script = ScriptDirectory.from_config(config)
    missing = [each.revision for each in script.iterate_revisions("head", before or "base")]
    return missing[::-1]
