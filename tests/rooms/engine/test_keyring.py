"""Who may ask."""

from __future__ import annotations

import msgspec
import pytest

from seatrial.engine.keyring import PREFIX, Keyring, digest, make_key
from seatrial.ports import Key
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

PEPPER = b"pepper"


def new_key(
    name: str = "web", *, features: tuple[str, ...] = (), tenant: str = "default"
) -> tuple[Key, str]:
    """Make a key in force."""
    return make_key(PEPPER, name, tenant=tenant, features=features, at=1.0)


def ring_of(*keys: Key, required: bool = True) -> Keyring:
    """Return a keyring that has been loaded."""
    ring = Keyring(PEPPER, required=required)
    ring.load(keys)
    return ring


def code(came: Caller | Refused) -> str:
    """Return the code of a refusal; empty for a caller."""
    return came.code if isinstance(came, Refused) else ""


def revoked(key: Key) -> Key:
    """Return the key as the store has it after its revocation."""
    return msgspec.structs.replace(key, revoked_at=2.0)


def test_key_is_shown_once_and_stored_as_a_digest() -> None:
    """What is stored does not hold the key, nor anything it could be guessed from."""
    key, token = new_key()

    assert token.startswith(f"{PREFIX}-{key.id}-")
    assert len(token.split("-", 2)[2]) == 43
    stored = msgspec.json.encode(key).decode()
    assert token not in stored
    assert token.split("-", 2)[2] not in stored
    assert digest(PEPPER, token) == key.digest


def test_keys_are_never_the_same() -> None:
    """Neither id nor secret repeats."""
    made = [new_key() for _ in range(100)]

    assert 100 == len({key.id for key, _ in made}) == len({token for _, token in made})


def test_key_in_force_names_its_caller() -> None:
    """Tenant, public id and scope come from the key, not from the request."""
    key, token = new_key(features=("support", "sales"), tenant="acme")

    expected = Caller(tenant="acme", key_id=key.id, key_scope="support,sales")
    assert expected == ring_of(key).authenticate(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.upper(),
        lambda token: token.split("-", 2)[2],
        lambda token: "-".join(token.split("-", 2)[:2]),
        lambda token: token.replace(PREFIX, "sk", 1),
        lambda token: f"{PREFIX}-0000000000-{token.split('-', 2)[2]}",
        lambda token: f"{token}é\udc80",
        lambda token: "-",
        lambda token: "Bearer",
    ],
)
def test_whatever_is_not_the_key_is_refused(spoil: object) -> None:
    """One letter less, more or other; parts of it; another prefix; odd letters."""
    key, token = new_key()

    assert "invalid_key" == code(ring_of(key).authenticate(spoil(token)))  # type: ignore[operator]


def test_keys_that_share_their_beginning_are_told_apart() -> None:
    """The public id finds the digest; the whole key must fit it."""
    one, token = new_key()
    other, other_token = new_key()
    crossed = f"{PREFIX}-{one.id}-{other_token.split('-', 2)[2]}"
    ring = ring_of(one, other)

    assert "invalid_key" == code(ring.authenticate(crossed))
    assert [one.id, other.id] == [ring.authenticate(t).key_id for t in (token, other_token)]


def test_other_pepper_fits_no_key() -> None:
    """A store without the server's secret is of no use."""
    key, token = new_key()
    ring = Keyring(b"another", required=True)
    ring.load([key])

    assert "invalid_key" == code(ring.authenticate(token))


def test_revoked_key_is_refused() -> None:
    """From the moment the keyring has heard of it."""
    key, token = new_key()
    ring = ring_of(key)
    ring.load([revoked(key)])

    assert ("invalid_key", 0) == (code(ring.authenticate(token)), ring.count)


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_revocation_is_never_forgotten(gap: int) -> None:
    """Not by an old copy of the store, not by an empty one, not by one after the other."""
    key, token = new_key()
    ring = ring_of(key)
    ring.load([revoked(key)])
    for _ in range(gap):
        ring.load([])
    ring.load([key])

    assert "invalid_key" == code(ring.authenticate(token))


def test_unknown_is_told_apart_from_not_loaded() -> None:
    """Before the keys were read nobody is called invalid: they are asked to come back."""
    _, token = new_key()
    ring = Keyring(PEPPER, required=False)
    for given in (token, None, "anything"):
        refused = ring.authenticate(given)
        assert ("keys_unavailable", 503) == (code(refused), refused.status)
    assert not ring.is_open


@pytest.mark.parametrize("given", [None, "", "sk-anything"])
def test_without_any_key_everybody_may_ask(given: str | None) -> None:
    """As long as none was made and none is required; OpenAI's clients always send one."""
    assert Caller() == ring_of(required=False).authenticate(given)
    assert "missing_key" == code(ring_of(required=True).authenticate(given or None)) or given


def test_first_key_closes_the_door() -> None:
    """Once a key was made, every caller needs one, even after all were revoked."""
    key, _ = new_key()
    for ring in (ring_of(key, required=False), ring_of(revoked(key), required=False)):
        assert not ring.is_open
        assert "missing_key" == code(ring.authenticate(None))
        assert "invalid_key" == code(ring.authenticate("sk-anything"))


def test_required_key_is_required() -> None:
    """A public bind needs keys although none was made yet."""
    ring = ring_of(required=True)

    assert ("missing_key", 401) == (code(ring.authenticate(None)), ring.authenticate(None).status)
    assert "invalid_key" == code(ring.authenticate("sk-anything"))


@pytest.mark.parametrize(
    ("features", "asked", "expected"),
    [((), "support", True), (("support",), "support", True), (("support",), "sup", False)],
)
def test_key_covers_its_features(features: tuple[str, ...], asked: str, expected: bool) -> None:
    """All of them when it names none."""
    key, token = new_key(features=features)
    ring = ring_of(key)

    assert expected is ring.may_ask(ring.authenticate(token), asked)


def test_key_that_came_back_empty_counts() -> None:
    """The number of keys in force leaves the revoked out."""
    one, other = new_key()[0], new_key()[0]

    assert 1 == ring_of(one, revoked(other)).count


def test_unknown_key_waits_while_the_store_cannot_be_asked() -> None:
    """It may have been made elsewhere a moment ago; what is known stays as it is known."""
    key, token = new_key()
    gone, gone_token = new_key("gone")
    ring = Keyring(PEPPER, required=True)
    ring.load([key, revoked(gone)], current=False)

    assert "keys_unavailable" == code(ring.authenticate(new_key()[1]))
    assert "" == code(ring.authenticate(token))
    assert "invalid_key" == code(ring.authenticate(f"{token}x"))
    assert "invalid_key" == code(ring.authenticate(gone_token))
    ring.load([key, revoked(gone)])
    assert "invalid_key" == code(ring.authenticate(new_key()[1]))
    ring.current = False
    assert "keys_unavailable" == code(ring.authenticate(new_key()[1]))
