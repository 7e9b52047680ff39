"""Who may ask: API keys as digests in memory, so that no request reads the store."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from seatrial.ports import Key
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

PREFIX: Final = "st"
_ANYBODY: Final = Caller()
_MISSING: Final = Refused(
    "missing_key", "An API key is needed. Send it as 'Authorization: Bearer …'.", status=401
)
_INVALID: Final = Refused("invalid_key", "This API key is not known or was revoked.", status=401)
_UNKNOWN: Final = Refused(
    "keys_unavailable",
    "The API keys could not be read yet. Ask again shortly.",
    status=503,
    retry_after_s=2.0,
)
_STRANGE: Final = Refused(
    "keys_unavailable",
    "This API key is not known here, and the store cannot be asked now. Ask again shortly.",
    status=503,
    retry_after_s=2.0,
)


def make_key(
    pepper: bytes, name: str, *, tenant: str, features: tuple[str, ...], at: float
) -> tuple[Key, str]:
    """Return a new key as it is stored, and the key itself, to be shown once.

    Args:
        pepper: the server's secret; without it a digest cannot be checked.
        name: what people call the key.
        tenant: whose it is.
        features: which features it may ask; empty for all.
        at: wall clock, seconds.
    """
    id_ = secrets.token_hex(5)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    token = f"{PREFIX}-{id_}-{secret}"
    return Key(id_, digest(pepper, token), name, tenant, features, at), token


def digest(pepper: bytes, token: str) -> str:
    """Return what is stored of a key: its HMAC-SHA-256 under the pepper, in hex."""
    return hmac.digest(pepper, token.encode("utf-8", "replace"), "sha256").hex()


class Keyring:
    """The keys in force.  Replaced as a whole by `load`.

    Args:
        pepper: the server's secret.
        required: whether every caller needs a key, even when there is none yet.
    """

    def __init__(self, pepper: bytes, *, required: bool) -> None:
        self.pepper = pepper
        self.required = required
        self.loaded = False
        self.current = False
        """Whether the store said at the last look which keys there are."""
        self._keys: Mapping[str, Key] = {}

    @property
    def count(self) -> int:
        """How many keys are in force."""
        return sum(1 for key in self._keys.values() if key.revoked_at is None)

    @property
    def is_open(self) -> bool:
        """Whether callers need no key: none was ever made, and none is required."""
        return self.loaded and not self.required and not self._keys

    def tenants(self) -> frozenset[str]:
        """Return everybody whose keys these are, and who asks without one."""
        return frozenset({Caller().tenant, *(key.tenant for key in self._keys.values())})

    def load(self, keys: Iterable[Key], *, current: bool = True) -> None:
        """Take over the keys as the store has them, or had when they were last known here."""
        # A revocation once seen is never forgotten, whatever an old copy says.
        revoked = {id_: key for id_, key in self._keys.items() if key.revoked_at is not None}
        self._keys = {key.id: key for key in keys} | revoked
        self.loaded = True
        self.current = current

    def authenticate(self, token: str | None) -> Caller | Refused:
        """Return who asks, or why they may not.

        Args:
            token: the whole credential, without `Bearer`; None when there is none.
        """
        if not self.loaded:
            return _UNKNOWN
        if not self._keys and not self.required:
            return _ANYBODY  # there is no key that a guess could come near
        if not token:
            return _MISSING
        parts = token.split("-", 2)
        key = self._keys.get(parts[1]) if len(parts) == 3 and parts[0] == PREFIX else None
        # The digest is compared for unknown ids too, so that both take the same time.
        expected = key.digest if key is not None else "0" * 64
        matches = hmac.compare_digest(expected, digest(self.pepper, token))
        if key is None and not self.current:
            return _STRANGE  # it may be new: the store cannot be asked now
        if key is None or not matches or key.revoked_at is not None:
            return _INVALID
        return Caller(tenant=key.tenant, key_id=key.id, key_scope=",".join(key.features))

    def may_ask(self, caller: Caller, feature: str) -> bool:
        """Whether the caller's key covers a feature."""
        return not caller.key_scope or feature in caller.key_scope.split(",")
