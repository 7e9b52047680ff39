"""What we ask of the world.  Adapters implement these without inheriting."""

# long: all that we ask of the world on one page, and no line of logic

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from seatrial.values.attempts import Failure, Timers
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.checks import Verdict
from seatrial.values.decisions import Head
from seatrial.values.deliveries import Delivery
from seatrial.values.ledger import Booked, CostQuery
from seatrial.values.outcomes import Labelled, Outcome, OutcomeQuery
from seatrial.values.oversight import Moved, Proof, Standing
from seatrial.values.people import Person, Session
from seatrial.values.records import Record
from seatrial.values.requests import CHAT
from seatrial.values.reviews import QueueLoad, Review, ReviewQuery, Ruling

Coin = Callable[[], float]
"""Throws a number in [0, 1)."""


class Clock(Protocol):
    """Time.  Monotonic for every rule, wall clock only for people and records."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def wall(self) -> float:
        """Return seconds since 1970, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


# --- targets ---------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True):
    """One call of one target, ready to be mapped to its dialect.

    Args:
        body: the chat request in OpenAI's shape without `model`, prompt included.
        stream: whether pieces are wanted.
        outlet: index of the address and key to use.
        timers: the limits; adapters only need `connect_s` and `total_s` (to pass on).
        request_id: sent along, so that both sides' logs meet.
        arguments: for a decorated function, what it was called with.
        variables: the caller's values, for functions that ask for them by name.
        kind: `chat`, or `embed`: then the body's `input` is a list, and one vector is wanted
            for each of its texts.
    """

    body: dict[str, Any]
    stream: bool
    outlet: int
    timers: Timers
    request_id: str
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    variables: Mapping[str, str] = {}
    kind: str = CHAT


class Pulse(Protocol):
    """How a call reports that it lives; the engine's timers hang on it."""

    def connected(self) -> None:
        """Say that the connection stands and the request is on its way."""

    def first_byte(self) -> None:
        """Say that the reply's headers are here."""

    def token(self) -> None:
        """Say that something useful came.  Pings, roles and empty deltas are not."""


class Ended(msgspec.Struct, frozen=True):
    """A stream came to its proper end."""

    usage: Usage | None = None
    model: str = ""
    value: Any = None


class Stream(Protocol):
    """An open streamed answer.  Pull it; close it always."""

    async def next(self) -> Piece | Ended | Failure:
        """Return the next event, the proper end, or what went wrong; nothing after those two."""

    async def close(self) -> None:
        """Let go; cancels the other side's work when it has not ended."""


class Provider(Protocol):
    """One target.  Expected troubles come back as `Failure`; only cancellation is raised.

    A cancelled call must close its connection at once, so that the other side stops.
    """

    outlets: Sequence[str]
    """Names of its addresses and keys, for health and records; never a secret in them."""

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get a whole answer."""

    async def stream(self, call: Call, pulse: Pulse) -> Stream | Answer | Failure:
        """Open a streamed answer; a target that cannot stream returns it whole."""

    async def close(self) -> None:
        """Give back connections."""


class Checker(Protocol):
    """A check of the user's own.  What goes wrong in it refuses; only cancellation is raised."""

    async def ask(self, text: str, known: Mapping[str, Any]) -> Verdict:
        """Return what it says of a text; `known` is what else it may ask for, by name."""

    async def close(self) -> None:
        """Take no more work."""


# --- the upstream's wire -----------------------------------------------------------------


class HttpCall(msgspec.Struct, frozen=True):
    """One HTTP request.  `headers` hold the secret: never log this."""

    url: str
    headers: dict[str, str]
    body: bytes
    connect_s: float

    def __repr__(self) -> str:
        return f"HttpCall({self.url!r}, {len(self.body)} bytes)"


class HttpReply(Protocol):
    """A reply whose headers are here.  Close it always."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case."""

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated; raise `TransportError` beyond `limit` bytes."""

    def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes; raise `TransportError` beyond `limit` bytes."""

    def close(self) -> None:
        """Let go: back to the pool if the body was read to its clean end, else cut."""


class TransportError(Exception):
    """The wire failed.

    Args:
        failure: the same as a value; `sent` is False when nothing can have been sent.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Transport(Protocol):
    """Sends HTTP requests upstream.

    No redirects, no retries, no cookies, no proxies by environment; replies are bounded in
    headers (16 KiB) and inflated size.
    """

    async def send(self, call: HttpCall) -> HttpReply:
        """Send, and return once the reply's headers are here; raise `TransportError`."""

    async def close(self) -> None:
        """Give back connections."""


# --- records -----------------------------------------------------------------------------


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """A record and its one encoding, made once and used by journal and store.

    Args:
        record: the record, or its `outline`: what lists find it by.
        blob: the whole record's MessagePack encoding (`values.seal`).
    """

    record: Record
    blob: bytes


class Journal(Protocol):
    """The local, append-only account of what has not reached the store.

    Synchronous; called from one thread at a time.  Survives the death of the process at any
    moment.
    """

    def append(self, batch: Sequence[Sealed], *, sync: bool) -> None:
        """Append all or raise OSError; with `sync` it also survives the machine's death."""

    def sync(self) -> None:
        """Force what was appended to disk."""

    def mark(self) -> int:
        """Return the position after the last append."""

    def settle(self, mark: int) -> None:
        """Forget everything before `mark`: the store holds it."""

    def backlog(self, limit: int) -> tuple[list[Sealed], int]:
        """Return up to `limit` of the oldest unsettled records and the mark after them."""

    def size(self) -> tuple[int, int]:
        """Return how many records and bytes are not settled."""

    def close(self) -> None:
        """Flush and let go."""


class RecordQuery(msgspec.Struct, frozen=True):
    """What records to list; newest first, in keyset pages.

    Args:
        tenant: whose.
        feature, decision, release, key_id, user, session, target, cause, text: filters, each
            optional; `text` is searched in input and output.
        since, until: wall clock, seconds; `until` exclusive.
        before: an id; only older records.
        limit: at most 1,000.
    """

    tenant: str = "default"
    feature: str = ""
    decision: str = ""
    release: str = ""
    key_id: str = ""
    user: str = ""
    session: str = ""
    target: str = ""
    cause: str = ""
    text: str = ""
    since: float | None = None
    until: float | None = None
    before: str = ""
    limit: int = 50


class Records(Protocol):
    """The store of records.  Each method is one transaction with a time limit."""

    def add(self, batch: Sequence[Sealed], *, sync: bool = False) -> int:
        """Add those not there yet, by id; return how many were new."""

    def get(self, id: str, *, tenant: str) -> Record | None:
        """Return one record."""

    def find(self, query: RecordQuery) -> list[Record]:
        """Return matching records, newest first."""

    def count(self, query: RecordQuery, *, cap: int = 10_000) -> int:
        """Return how many match, counted up to `cap`."""

    def cached(self, *, feature: str, limit: int) -> list[Record]:
        """Return the newest records that may serve the cache, newest first."""

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        """Delete up to `limit` of the oldest records started before `cutoff`; return how many."""


class Key(msgspec.Struct, frozen=True):
    """An API key as it is stored: never the key itself.

    Args:
        id: public, shown in lists and records.
        digest: HMAC-SHA-256 of the whole key under the server's pepper, hex.
        name: what people call it.
        tenant: whose.
        features: which features it may ask; empty for all.
        created_at, revoked_at: wall clock, seconds.
    """

    id: str
    digest: str
    name: str
    tenant: str = "default"
    features: tuple[str, ...] = ()
    created_at: float = 0.0
    revoked_at: float | None = None


class Keys(Protocol):
    """The store of API keys.  Each method is one transaction."""

    def add(self, key: Key) -> None:
        """Add a key; synced to disk."""

    def all(self) -> list[Key]:
        """Return every key, revoked ones too."""

    def revoke(self, id: str, *, at: float) -> bool:
        """Revoke; return whether there was such a key in force."""


class ReleaseRow(msgspec.Struct, frozen=True):
    """A release as it is remembered.

    Args:
        id: hash of what decides the answers.
        feature: whose.
        content: exactly what was hashed, as canonical JSON text.
        commit, dirty: of the git checkout it was loaded from; empty when there is none.
        first_seen: wall clock, seconds.
    """

    id: str
    feature: str
    content: str
    commit: str = ""
    dirty: bool = False
    first_seen: float = 0.0


class Releases(Protocol):
    """The store of releases.  Each method is one transaction."""

    def remember(self, rows: Iterable[ReleaseRow]) -> None:
        """Add those not there yet, by id; synced to disk."""

    def all(self, *, feature: str = "") -> list[ReleaseRow]:
        """Return releases, newest first."""


class Ledger(Protocol):
    """The books.  Written by `Records.add` in its own transaction; kept when records go."""

    def costs(self, query: CostQuery) -> list[Booked]:
        """Return what was booked, by the dimensions asked for."""


class Claim(msgspec.Struct, frozen=True):
    """What stands under an idempotency key.

    Args:
        fingerprint: digest of what was asked.
        holder: the record of the request that is answered, or was.
        held_until: wall clock, seconds: from then on a claim without a result is void.
        result: what came of it; None while it is answered.
    """

    fingerprint: str
    holder: str
    held_until: float
    result: bytes | None = None


class Idempotency(Protocol):
    """What was asked under which key, and what came of it.  Each method is one transaction.

    `place` is a digest of tenant, feature and key.
    """

    def claim(
        self, place: str, *, fingerprint: str, holder: str, now: float, lease_s: float
    ) -> Claim | None:
        """Take a key for `holder`; return None when that was done, else what stands there.

        A claim without a result is void after its lease: its holder died.
        """

    def finish(self, place: str, *, holder: str, result: bytes, now: float) -> bool:
        """Keep what came of it; return whether `holder` still had the key."""

    def release(self, place: str, *, holder: str) -> None:
        """Give a key back, as if nobody had asked."""

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        """Forget up to `limit` of the oldest keys, asked or answered before `cutoff`."""


class Reviews(Protocol):
    """Items for people.  Made by `Records.add` in its own transaction.

    Each method is one transaction; those that change something are synced to disk before they
    return.  Times are wall clock, seconds.
    """

    def find(self, query: ReviewQuery) -> list[Review]:
        """Return matching items, those due first."""

    def get(self, id: str, *, tenant: str) -> Review | None:
        """Return one item."""

    def loads(self, *, tenant: str, now: float) -> list[QueueLoad]:
        """Return how much waits in each queue."""

    def claim(
        self,
        *,
        tenant: str,
        by: str,
        now: float,
        lease_s: float,
        queues: Sequence[str] = (),
        id: str = "",
    ) -> Review | None:
        """Give a free seat to `by`: of the item `id`, or of what is most urgent.

        What `by` holds already comes first.  Callers who wait come before all others, then
        what is due first.  Nobody gets two seats of one item.  A lapsed lease is a free seat.
        """

    def extend(self, id: str, *, by: str, now: float, lease_s: float) -> bool:
        """Lengthen a lease; return whether `by` still holds a seat."""

    def let_go(self, id: str, *, by: str) -> bool:
        """Give a seat back; return whether `by` held one."""

    def rule(self, id: str, ruling: Ruling, *, now: float, final_at: float) -> Review | None:
        """Take a ruling from who holds a seat; None when they hold none any more."""

    def take_back(self, id: str, *, by: str, now: float, lease_s: float) -> bool:
        """Undo a ruling before it is final; return whether that was in time."""

    def ripe(self, *, now: float, limit: int = 100) -> list[Review]:
        """Return open items whose every seat has a final ruling."""

    def settle(
        self,
        id: str,
        ruling: Ruling,
        *,
        at: float,
        outcomes: Sequence[Outcome] = (),
        deliveries: Sequence[Delivery] = (),
    ) -> bool:
        """Let a ruling count, with all that follows from it; False when it is settled already."""

    def overdue(self, *, now: float, limit: int = 100) -> list[Review]:
        """Return open items whose time ran out."""

    def pass_on(
        self,
        id: str,
        *,
        queue: str,
        due_at: float,
        note: tuple[str, str],
        escalates: bool,
        reviewers: int | None = None,
        deliveries: Sequence[Delivery] = (),
        due_was: float | None = None,
    ) -> bool:
        """Send an open item to another queue, all its seats free; False when it is settled.

        With `due_was` also False when it is not due then any more: of two processes that saw
        the same item late one passes it on.
        """

    def settled_since(self, at: float, *, limit: int = 500) -> list[Review]:
        """Return items settled at `at` or later, oldest first."""


class Outcomes(Protocol):
    """What turned out to be true.  Each method is one transaction."""

    def add(self, batch: Sequence[Outcome]) -> int:
        """Add those not there yet, by id, synced to disk; return how many were new."""

    def find(self, query: OutcomeQuery) -> list[Outcome]:
        """Return matching outcomes, newest first."""

    def labelled(
        self, *, feature: str, release: str = "", after: int = 0, limit: int = 1000
    ) -> list[Labelled]:
        """Return outcomes that say right or wrong beside what their records say, as they came.

        An outcome whose record is not there yet comes when it is, with a later sequence.
        """

    def unlabelled(self, *, feature: str, release: str, since: float, limit: int) -> list[Labelled]:
        """Return chosen records without an outcome yet; their `wrong` says nothing."""


class Proofs(Protocol):
    """Certificates, the ladder, and its moves.  Each method is one transaction, synced to disk."""

    def add(self, proof: Proof) -> None:
        """Keep a proof."""

    def all(self, *, feature: str, release: str = "", limit: int = 100) -> list[Proof]:
        """Return proofs, newest first."""

    def stand(self, standing: Standing, moves: Sequence[Moved] = ()) -> bool:
        """Keep where a segment stands, and its moves; False when newer evidence is in there."""

    def standings(self, *, feature: str = "") -> list[Standing]:
        """Return where every segment stands."""

    def moves(self, *, feature: str, limit: int = 100) -> list[Moved]:
        """Return moves, newest first."""


class People(Protocol):
    """Who may sign in.  Each method is one transaction, synced to disk."""

    def put(self, person: Person) -> None:
        """Add somebody, or put them in the place of who has the same id."""

    def all(self) -> list[Person]:
        """Return everybody, those who left too."""

    def begin(self, session: Session) -> None:
        """Keep a session."""

    def session(self, digest: str) -> Session | None:
        """Return a session."""

    def end(self, *, digest: str = "", person: str = "", before: float | None = None) -> int:
        """End a session, all of a person, or all that expire before; return how many."""


class Deliveries(Protocol):
    """News on its way to other systems.  Each method is one transaction."""

    def add(self, batch: Sequence[Delivery]) -> None:
        """Keep news, synced to disk."""

    def due(self, *, now: float, limit: int = 100) -> list[Delivery]:
        """Return what is to be tried, longest due first, and per receiver in its order."""

    def tried(self, delivery: Delivery) -> None:
        """Keep what came of a try."""

    def all(self, *, state: str = "", limit: int = 100) -> list[Delivery]:
        """Return news, newest first."""


class Store(Protocol):
    """Everything durable, in one place.

    Opening does not connect and cannot fail on an absent server; the first use does, with
    `StoreUnavailable`.
    """

    records: Records
    keys: Keys
    releases: Releases
    ledger: Ledger
    idempotency: Idempotency
    reviews: Reviews
    outcomes: Outcomes
    proofs: Proofs
    people: People
    deliveries: Deliveries

    def ready(self) -> None:
        """Return if the schema is the one we know; raise `StoreUnavailable` or `StartRefused`."""

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the revisions applied."""

    def close(self) -> None:
        """Give back connections."""


# --- counters ----------------------------------------------------------------------------


class Ask(msgspec.Struct, frozen=True):
    """So much of one account.

    Args:
        account: its name, such as `usd:feature:support:2026-11`.
        amount: wanted, in the account's unit (millionths of a millionth of a dollar, tokens,
            requests), at least 0.
        ceiling: the account never holds more than this.
        refill_s: the account empties evenly, by `ceiling` in so many seconds; None for one
            that only its end empties.
        ends_at: wall clock, seconds: from then on the account is of no use to anybody.
    """

    account: str
    amount: int
    ceiling: int
    refill_s: float | None = None
    ends_at: float | None = None


class Short(msgspec.Struct, frozen=True):
    """What was asked did not fit, and nothing was taken.

    Args:
        index: the first ask that did not fit.
        left: what its account still had.
        wait_s: after which the same may fit, in seconds; None when it never does.
    """

    index: int
    left: int
    wait_s: float | None = None


class Counters(Protocol):
    """Accounts of requests, tokens and money: in memory, or shared between machines.

    What is reserved counts as used at once and stays so when nobody settles it: the death
    of a process can never make room that was already spent.
    """

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        """Take all that is asked, or nothing, under `id`; returns None when it was taken.

        `lease_s` is how long `id` can be settled.  Raises `CountersUnavailable`.
        """

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved, ask by ask; once per id.

        Unknown and lapsed ids change nothing.  Raises `CountersUnavailable`.
        """

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now; amounts asked do not matter."""

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked: after a start, from the ledger."""

    async def close(self) -> None:
        """Give back connections."""


# --- doors -------------------------------------------------------------------------------


class Sink(Protocol):
    """Where a streamed answer leaves: a door's side of the commit."""

    async def begin(self, head: Head) -> None:
        """Send status and headers; called once, right before the first piece."""

    async def send(self, piece: Piece) -> None:
        """Send one piece; returns when there is room for the next."""
