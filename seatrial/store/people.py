"""Who may sign in, in a database, and who has: digests only, no password and no cookie."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import delete, insert, or_, select

from seatrial.store.database import Database, insert_into
from seatrial.store.tables import person as _people
from seatrial.store.tables import session as _sessions
from seatrial.values.people import Person, Role, Session

_QUEUES: Final = msgspec.json.Decoder(tuple[str, ...])


class SqlPeople:
    """`People` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, person: Person) -> None:
        """Add somebody, or put them in the place of who has the same id."""
        row = msgspec.structs.asdict(person) | {
            "role": person.role.value,
            "queues": msgspec.json.encode(person.queues).decode(),
        }
        with self._database.writing(sync=True) as connection:
            statement = insert_into(connection, _people)
            changed = {name: statement.excluded[name] for name in row if name != "id"}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_=changed), row
            )

    def all(self) -> list[Person]:
        """Return everybody, those who left too, in the order in which they came."""
        rows = select(_people).order_by(_people.c.created_at, _people.c.id)
        with self._database.reading() as connection:
            return [_person(row) for row in connection.execute(rows)]

    def begin(self, session: Session) -> None:
        """Keep a session."""
        with self._database.writing(sync=True) as connection:
            connection.execute(insert(_sessions).values(msgspec.structs.asdict(session)))

    def session(self, digest: str) -> Session | None:
        """Return a session, be it over or not."""
        rows = select(_sessions).where(_sessions.c.digest == digest)
        with self._database.reading() as connection:
            found = connection.execute(rows).one_or_none()
        return None if found is None else Session(*found)

    def end(self, *, digest: str = "", person: str = "", before: float | None = None) -> int:
        """End sessions: one, all of a person, and all that expire before; return how many."""
        which = []
        if digest:
            which.append(_sessions.c.digest == digest)
        if person:
            which.append(_sessions.c.person == person)
        if before is not None:
            which.append(_sessions.c.expires_at < before)
        if not which:
            return 0
        with self._database.writing(sync=True) as connection:
            return connection.execute(delete(_sessions).where(or_(*which))).rowcount


def _person(row: Any) -> Person:
    return Person(
        row.id,
        row.name,
        Role(row.role),
        row.tenant,
        _QUEUES.decode(row.queues),
        row.digest,
        row.created_at,
        row.disabled_at,
    )
