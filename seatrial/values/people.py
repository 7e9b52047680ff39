"""Who signs in, and what they may do."""

from __future__ import annotations

from enum import Enum

import msgspec


class Role(Enum):
    """What a person may do, most first; each may do what those below it may."""

    OWNER = "owner"  # people and keys, and all below
    OPERATOR = "operator"  # moves, budgets, and all below
    REVIEWER = "reviewer"  # rules on items, reads records
    VIEWER = "viewer"  # reads numbers, never texts

    @property
    def rank(self) -> int:
        """0 for the most powerful."""
        return list(Role).index(self)


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who may sign in.

    Args:
        id: what they sign in with, such as an e-mail address, in lower case.
        name: as colleagues know them.
        role: what they may do.
        tenant: whose records they see.
        queues: those they work on; empty for all.
        digest: of their password, with its salt and cost; never shown.
        created_at, disabled_at: wall clock, seconds.
    """

    id: str
    name: str
    role: Role
    tenant: str = "default"
    queues: tuple[str, ...] = ()
    digest: str = ""
    created_at: float = 0.0
    disabled_at: float | None = None

    def __repr__(self) -> str:
        return f"Person({self.id!r}, {self.role.value})"


class Session(msgspec.Struct, frozen=True):
    """A person who has signed in.

    Args:
        digest: of the cookie's value, hex; the value itself is not kept.
        person: id.
        csrf: what forms must bring back.
        created_at, expires_at: wall clock, seconds.
    """

    digest: str
    person: str
    csrf: str
    created_at: float
    expires_at: float

    def __repr__(self) -> str:
        return f"Session({self.person!r})"
