"""What every store promises of its books, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.errors import StartRefused
from seatrial.ports import RecordQuery, Sealed
from seatrial.store import DurableStore, open_store
from seatrial.values.chat import Usage
from seatrial.values.ledger import Booked, CostQuery
from seatrial.values.prices import dollars, pico_of
from seatrial.values.records import AttemptRecord, Record, outline
from seatrial.values.sealing import seal

DAY = 86_400.0


def sealed(record: Record) -> Sealed:
    """Seal a record as the engine does."""
    return Sealed(outline(record), seal(record))


def attempt(target: str, usd: str | None, *, sent: bool = True, **more: Any) -> AttemptRecord:
    """Make an attempt that cost so much; None when nobody knows."""
    cost = None if usd is None else Decimal(usd)
    return AttemptRecord(target, sent=sent, cost_usd=cost, **more)


def make(number: int, *attempts: AttemptRecord, **more: Any) -> Record:
    """Make the record of that number with its attempts."""
    record = Record(f"rec_{number:08d}", "support", 0.0, "answer", attempts=attempts)
    return msgspec.structs.replace(record, **more)


def total(store: DurableStore, **filters: Any) -> Booked:
    """Return everything that was booked, as one row."""
    rows = store.ledger.costs(CostQuery(by=(), **filters))
    return rows[0]


def test_every_attempt_is_booked_where_it_belongs(store: DurableStore) -> None:
    """Judges and repairs by their own purpose, requests with the target that answered."""
    used = Usage(
        input_tokens=5, cached_audio_tokens=3, output_tokens=7, reasoning_tokens=2, raw={"a": 1}
    )
    usage = msgspec.to_builtins(used)
    record = make(
        1,
        attempt("large", "0.25", cause="first_token_timeout"),
        attempt("small", "0.000000000001", usage=usage),
        attempt("small", "0.5", purpose="judge"),
        attempt("small", None, purpose="repair"),
        attempt("never", None, sent=False, cause="resting"),
        target="small",
        key_id="k1",
        user="ann",
        release="r1",
        started_at=20_000 * DAY,
    )
    store.records.add([sealed(record)])

    rows = store.ledger.costs(CostQuery(by=("day", "target", "purpose", "key", "user", "release")))

    where = ("k1", "ann", "r1")
    assert [
        Booked(("2024-10-04", "large", "", *where), attempts=1, cost_pico=250_000_000_000),
        Booked(
            ("2024-10-04", "small", "", *where),
            requests=1,
            attempts=1,
            input_tokens=5,
            cached_tokens=3,
            output_tokens=7,
            reasoning_tokens=2,
            cost_pico=1,
        ),
        Booked(("2024-10-04", "small", "judge", *where), attempts=1, cost_pico=500_000_000_000),
        Booked(("2024-10-04", "small", "repair", *where), attempts=1, unpriced=1),
    ] == rows


def test_a_record_is_booked_once(store: DurableStore) -> None:
    """However often its batch comes, whole or in part, also twice in one batch."""
    first = [sealed(make(n, attempt("t", "1"))) for n in range(150)]

    assert 150 == store.records.add(first)
    assert 0 == store.records.add(first)
    assert 1 == store.records.add([*first[:20], sealed(make(150, attempt("t", "1")))])
    twice = sealed(make(151, attempt("t", "1")))
    assert 1 == store.records.add([twice, twice])

    booked = total(store)
    assert (152, 152, 152 * 10**12) == (booked.requests, booked.attempts, booked.cost_pico)
    assert 152 == store.records.count(RecordQuery())


def test_what_is_not_added_is_not_booked(store: DurableStore) -> None:
    """One record that can never be keeps its whole batch out of the books."""
    good, bad = make(1, attempt("t", "1")), make(2, attempt("t", "1"), tier=2**63)
    with pytest.raises(ValueError, match="cannot hold"):
        store.records.add([sealed(good), sealed(bad)])

    assert [] == store.ledger.costs(CostQuery())


def test_deleting_records_leaves_the_books_alone(store: DurableStore) -> None:
    """What was spent stays spent."""
    store.records.add(
        [sealed(make(n, attempt("t", "0.1"), started_at=n, target="t")) for n in range(20)]
    )
    before = store.ledger.costs(CostQuery(by=("day", "target")))

    assert 20 == store.records.delete_before(100.0)

    assert before == store.ledger.costs(CostQuery(by=("day", "target")))
    assert dollars(before[0].cost_pico) == Decimal(2)


def test_costs_are_told_by_what_is_asked(store: DurableStore) -> None:
    """By dimension, in a window of days, through filters, and never another tenant's."""
    for n, (feature, user, usd) in enumerate(
        [("a", "ann", "1"), ("a", "bob", "2"), ("b", "ann", "4"), ("b", "ann", "8")]
    ):
        record = make(
            n,
            attempt("t", usd),
            feature=feature,
            user=user,
            started_at=(20_000 + n) * DAY + 86_399,
            target="t",
        )
        store.records.add([sealed(record)])
    store.records.add([sealed(make(9, attempt("t", "100"), tenant="acme", target="t"))])

    def by(*names: str, **filters: Any) -> dict[tuple[str, ...], int]:
        rows = store.ledger.costs(CostQuery(by=names, **filters))
        return {row.names: row.cost_pico // 10**12 for row in rows}

    assert {("a",): 3, ("b",): 12} == by("feature")
    assert {("ann",): 13, ("bob",): 2} == by("user")
    assert {("a", "2024-10-04"): 1, ("a", "2024-10-05"): 2} == by("feature", "day", feature="a")
    assert {("2024-10-05",): 2, ("2024-10-06",): 4} == by(
        "day", since="2024-10-05", until="2024-10-07"
    )
    assert {(): 15} == by()
    assert {(): 5} == by(user="ann", until="2024-10-07", target="t")
    assert {("t",): 100} == by("target", tenant="acme")
    with pytest.raises(ValueError, match="mood"):
        by("mood")


def test_no_sum_is_too_large(store: DurableStore) -> None:
    """Twelve decimals and millions of dollars: more than a database's whole numbers hold."""
    rich = [attempt("t", "4000000.000000000001")]
    store.records.add([sealed(make(n, *rich, user=f"u{n}")) for n in range(50)])

    assert 50 * 4_000_000_000_000_000_001 == total(store).cost_pico


def test_what_a_broken_provider_reports_keeps_no_record_out(store: DurableStore) -> None:
    """A row that is full takes no more; the records go on."""
    for n in range(5):
        batch = [make(10 * n + m, attempt("t", "4000000")) for m in range(3)]
        assert 3 == store.records.add([sealed(record) for record in batch])

    assert 1 << 62 <= total(store).cost_pico < 1 << 63
    assert 15 == total(store).attempts


def test_names_that_no_index_takes_are_booked_all_the_same(store: DurableStore) -> None:
    """Long ones and zero bytes, as in the records' own columns."""
    users = ["x" * 5_000, "a\0b", "ab", "\0", ""]
    store.records.add(
        [sealed(make(n, attempt("t", "1"), user=user)) for n, user in enumerate(users)]
    )

    rows = store.ledger.costs(CostQuery(by=("user",)))

    assert {"x" * 256: 1, "ab": 2, "": 2} == {row.names[0]: row.attempts for row in rows}
    assert 2 == total(store, user="a\0b").attempts


COSTS = st.none() | st.integers(0, 10**15).map(dollars)
ATTEMPTS = st.builds(
    AttemptRecord,
    target=st.sampled_from(["large", "small"]),
    sent=st.booleans(),
    purpose=st.sampled_from(["", "judge", "repair", "hedge"]),
    cost_usd=COSTS,
    usage=st.none() | st.just({"input_tokens": 3, "raw": {"prompt_tokens": 3}}),
)
BATCHES = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(["ann", "bob"]),
            st.lists(ATTEMPTS, max_size=3).map(tuple),
            st.sampled_from([0.0, DAY]),
        ),
        min_size=1,
        max_size=30,
    ),
    max_size=5,
)


@given(batches=BATCHES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_books_balance(store: DurableStore, batches: list[Any]) -> None:
    """To the last decimal, for every key and day, whatever comes twice or changed."""
    known = {record.id for record in store.records.find(RecordQuery(limit=1_000))}
    base = len(known)
    before = Counter(_spent(store))
    added: dict[str, Record] = {}
    for batch in batches:
        records = [
            make(base * 1_000 + number, *attempts, user=user, started_at=at, target="large")
            for number, user, attempts, at in batch
        ]
        for record in records:
            if record.id not in known:
                added.setdefault(record.id, record)
        store.records.add([sealed(record) for record in records])

    expected = Counter(before)
    for record in added.values():
        day = "1970-01-02" if record.started_at else "1970-01-01"
        for each in record.attempts:
            if each.sent:
                key = (day, record.user, each.target, each.purpose)
                expected[key] += pico_of(each.cost_usd) if each.cost_usd is not None else 0
    assert +expected == +Counter(_spent(store))


def _spent(store: DurableStore) -> dict[tuple[str, ...], int]:
    rows = store.ledger.costs(CostQuery(by=("day", "user", "target", "purpose")))
    return {row.names: row.cost_pico for row in rows}


def test_many_writers_book_together(address: str) -> None:
    """No deadlock and nothing lost where the same rows are booked from several sides."""
    stores = [open_store(address) for _ in range(3)]
    stores[0].migrate()

    def work(place: int) -> None:
        for turn in range(10):
            batch = [
                sealed(
                    make(
                        place * 10_000 + turn * 100 + n,
                        attempt("t", "0.001"),
                        # Each in another order.
                        user=f"u{(n * (place + 3)) % 7}",
                    )
                )
                for n in range(20)
            ]
            stores[place].records.add(batch)

    # SQLite has one writing process; its threads take turns all the same.
    with ThreadPoolExecutor(3) as people:
        list(people.map(work, range(3)))

    assert 600 * 10**9 == total(stores[0]).cost_pico
    for each in stores:
        each.close()


def test_a_store_of_the_first_schema_comes_along(address: str) -> None:
    """Its records stay; the books begin with the first record after the migration."""
    store: Any = open_store(address)
    if address.startswith("sqlite:"):
        store._make_file()
    with store._database.writing(sync=True) as connection:
        from alembic import command
        from alembic.config import Config

        from seatrial.store import schema

        config = Config()
        folder = schema.Path(schema.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with pytest.raises(StartRefused, match="older"):
        store.ready()
    old = make(1, attempt("t", "1"))
    with store._database.writing(sync=True) as connection:
        from seatrial.store.records import _insert

        _insert(connection, [sealed(old)])

    assert ["0002", "0003", "0004"] == store.migrate()
    store.ready()

    assert old == store.records.get(old.id, tenant="default")
    assert [] == store.ledger.costs(CostQuery())
    assert 1 == store.records.add([sealed(old), sealed(make(2, attempt("t", "2")))])
    assert 2 * 10**12 == total(store).cost_pico
    store.close()
