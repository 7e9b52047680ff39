"""What every store promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from seatrial.errors import SeatrialError, StartRefused, StoreUnavailable
from seatrial.ports import Key, RecordQuery, ReleaseRow, Sealed
from seatrial.store import DurableStore, open_store
from seatrial.store.tables import record as table
from seatrial.values.records import AttemptRecord, Record
from seatrial.values.sealing import seal


def sealed(record: Record) -> Sealed:
    """Seal a record."""
    return Sealed(record, seal(record))


def make(number: int, **changes: Any) -> Record:
    """Make the record of that number; larger numbers are newer."""
    plain = Record(f"rec_{number:08d}", "support", float(number), "answer")
    return msgspec.structs.replace(plain, **changes)


def keep(store: DurableStore, *records: Record) -> None:
    """Add records."""
    store.records.add([sealed(record) for record in records])


def found(store: DurableStore, **filters: Any) -> list[int]:
    """List the numbers of the records that match, as they come."""
    return [int(record.id[4:]) for record in store.records.find(RecordQuery(**filters))]


RICH = make(
    1,
    release="r1",
    prompt_version="p1",
    arm="candidate",
    unit="u",
    tenant="acme",
    key_id="k1",
    user="ann",
    session="s1",
    tags=("a", "b"),
    call_site="shop.py:1 ask",
    took_s=0.5,
    first_token_s=0.1,
    stream=True,
    decision="degraded",
    code="",
    reason="large timed out",
    target="small",
    tier=1,
    cut=True,
    sent_pieces=3,
    cached_age_s=1.5,
    attempts=(
        AttemptRecord("large", cause="first_token_timeout", sent=True, took_s=0.4),
        AttemptRecord("small", tier=1, usage={"total_tokens": 12}),
    ),
    input={"messages": [{"role": "user", "content": "Ble mae fy mharsel? 📦"}]},
    output={"text": "Ar ei ffordd.", "finish_reason": "stop"},
    cache_key="ck",
    flags=("overran",),
)


def test_record_comes_back_whole(store: DurableStore) -> None:
    """Every field survives."""
    keep(store, RICH)

    assert RICH == store.records.get(RICH.id, tenant="acme")
    assert [RICH] == store.records.find(RecordQuery(tenant="acme"))


def test_large_record_comes_back_whole(store: DurableStore) -> None:
    """Also one of megabytes."""
    large = make(1, output={"text": "long answer " * 300_000})
    keep(store, large)

    assert large == store.records.get(large.id, tenant="default")


def test_tenants_never_meet(store: DurableStore) -> None:
    """Neither by id nor by list nor by count."""
    keep(store, make(1), make(2, tenant="acme"))

    assert store.records.get("rec_00000001", tenant="acme") is None
    assert [1] == found(store)
    assert [2] == found(store, tenant="acme")
    assert 1 == store.records.count(RecordQuery(tenant="acme"))


def test_a_record_is_added_once(store: DurableStore) -> None:
    """Whatever comes again, also within one batch, is passed over; the number says so."""
    first = [sealed(make(number)) for number in range(150)]

    assert 150 == store.records.add(first)
    assert 0 == store.records.add(first, sync=True)
    assert 1 == store.records.add([*first, sealed(make(150)), sealed(make(150))])
    assert 0 == store.records.add([])
    assert 151 == store.records.count(RecordQuery())


@pytest.mark.parametrize("size", [1, 15, 16, 17, 127, 128, 129, 500])
def test_batches_of_every_size_arrive(store: DurableStore, size: int) -> None:
    """The chunks in which rows are written leave none out."""
    batch = [sealed(make(number)) for number in range(size)]

    assert size == store.records.add(batch)
    assert list(range(size))[::-1] == found(store, limit=1_000)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"feature": "triage"}, [2]),
        ({"decision": "refused"}, [3]),
        ({"decision": "answer"}, [6, 5, 4, 2, 1]),
        ({"release": "r9"}, [4]),
        ({"key_id": "k9"}, [5]),
        ({"user": "ann"}, [6, 5]),
        ({"session": "s9"}, [6]),
        ({"target": "small"}, [4]),
        ({"cause": "server_error"}, [4, 3]),
        ({"cause": "server"}, []),
        ({"cause": "server%"}, []),
        ({"since": 3.0, "until": 5.0}, [4, 3]),
        ({"before": "rec_00000003"}, [2, 1]),
        ({"limit": 2}, [6, 5]),
        ({"limit": 0}, []),
        ({"user": "ann", "session": "s9"}, [6]),
        ({"text": "PARSEL"}, [2]),
        ({"text": "ffordd"}, [2]),
        ({"text": "100%"}, [5]),
        ({"text": "100_"}, []),
        ({"text": "secret system"}, []),
        ({"text": "parsel", "feature": "support"}, []),
        ({"user": "nobody"}, []),
    ],
    ids=str,
)
def test_lists_filter(store: DurableStore, filters: dict[str, Any], expected: list[int]) -> None:
    """Each filter alone and some together; newest first."""
    failed = AttemptRecord("large", cause="server_error")
    slow = AttemptRecord("large", cause="gap_timeout")
    asked = {
        "messages": [
            {"role": "system", "content": "secret system"},
            {"role": "user", "content": [{"type": "text", "text": "Ble mae fy Mharsel, parsel?"}]},
        ]
    }
    keep(
        store,
        make(1),
        make(2, feature="triage", input=asked, output={"text": "Ar ei Ffordd"}),
        make(3, decision="refused", attempts=(slow, failed)),
        make(4, release="r9", target="small", attempts=(failed,)),
        make(5, key_id="k9", user="ann", output={"text": "100% sure"}),
        make(6, user="ann", session="s9"),
    )

    assert expected == found(store, **filters)
    assert (
        len(expected)
        == store.records.count(
            RecordQuery(**{name: value for name, value in filters.items() if name != "limit"})
        )
        or "limit" in filters
    )


def test_pages_follow_each_other(store: DurableStore) -> None:
    """Asked for what is before the last id, one sees every record once."""
    keep(store, *(make(number) for number in range(25)))
    seen: list[int] = []
    while page := found(store, limit=10, before=f"rec_{seen[-1]:08d}" if seen else ""):
        seen += page

    assert list(range(25))[::-1] == seen


def test_a_search_reads_page_after_page(store: DurableStore) -> None:
    """The text may stand in records far back, and the other filters hold."""
    keep(
        store,
        *(make(n, output={"text": "Needle" if n % 500 == 7 else "hay"}) for n in range(1_200)),
    )

    assert [1_007, 507, 7] == found(store, text="needle")
    assert [1_007, 507] == found(store, text="needle", limit=2)
    assert [507, 7] == found(store, text="needle", before="rec_00001000")
    assert 3 == store.records.count(RecordQuery(text="NEEDLE"))
    assert 1 == store.records.count(RecordQuery(text="needle"), cap=1)


def test_count_stops_at_its_cap(store: DurableStore) -> None:
    """A count for a page need not read everything."""
    keep(store, *(make(number) for number in range(25)))

    assert 25 == store.records.count(RecordQuery())
    assert 10 == store.records.count(RecordQuery(), cap=10)


def test_cached_gives_the_newest_that_may_serve(store: DurableStore) -> None:
    """Only those of the feature that carry a cache key."""
    keep(
        store,
        make(1, cache_key="a"),
        make(2),
        make(3, cache_key="b"),
        make(4, cache_key="c", feature="triage"),
        make(5, cache_key="d"),
    )

    newest = store.records.cached(feature="support", limit=2)

    assert ["d", "b"] == [record.cache_key for record in newest]


def test_retention_deletes_the_oldest_in_small_batches(store: DurableStore) -> None:
    """Never more than asked, never one that is young enough, zero when it is done."""
    keep(store, *(make(number) for number in range(25)))

    assert [10, 10, 0] == [store.records.delete_before(20.0, limit=10) for _ in range(3)]
    assert [24, 23, 22, 21, 20] == found(store)


ODD = st.text(max_size=400) | st.text(st.characters(codec="utf-8"), max_size=50)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=ODD, session=ODD, asked=ODD, said=ODD, look=ODD)
def test_any_text_is_stored_and_found(
    store: DurableStore,
    numbers: Iterator[int],
    user: str,
    session: str,
    asked: str,
    said: str,
    look: str,
) -> None:
    """Zero bytes, quotes, wildcards and every language: kept as they are, found by their user."""
    record = make(
        next(numbers),
        user=user,
        session=session,
        input={"messages": [{"role": "user", "content": asked}]},
        output={"text": said},
    )
    keep(store, record)

    assert record == store.records.get(record.id, tenant="default")
    if user:
        assert record in store.records.find(RecordQuery(user=user))
    if look:
        matches = record in store.records.find(RecordQuery(text=look, limit=1_000))
        assert matches == (look.casefold() in f"{asked}\n{said}\n".casefold())


@pytest.fixture
def numbers() -> Iterator[int]:
    """Count on, so that no two examples make the same record."""
    return itertools.count(1)


def test_many_threads_share_a_store(store: DurableStore) -> None:
    """Writers and readers at once: nothing is refused, nothing lost."""

    def work(start: int) -> int:
        for number in range(start, start + 20):
            keep(store, make(number))
            store.records.find(RecordQuery(limit=5))
        return store.records.count(RecordQuery())

    with ThreadPoolExecutor(4) as people:
        list(people.map(work, range(0, 80, 20)))

    assert 80 == store.records.count(RecordQuery())


def test_keys_are_kept_and_revoked_once(store: DurableStore) -> None:
    """A second revocation changes nothing, an unknown key is said to be unknown."""
    first = Key("k1", "d1", "shop", features=("support", "triage"), created_at=1.0)
    second = Key("k2", "d2", "till", tenant="acme", created_at=2.0)
    store.keys.add(first)
    store.keys.add(second)
    assert [first, second] == store.keys.all()

    assert store.keys.revoke("k1", at=5.0)
    assert not store.keys.revoke("k1", at=6.0)
    assert not store.keys.revoke("k3", at=6.0)
    assert [5.0, None] == [key.revoked_at for key in store.keys.all()]


def test_a_key_id_is_used_once(store: DurableStore) -> None:
    """The second of the same id is refused, the first stays."""
    store.keys.add(Key("k1", "d1", "shop"))

    with pytest.raises(ValueError, match="cannot hold"):
        store.keys.add(Key("k1", "d2", "till"))
    assert ["shop"] == [key.name for key in store.keys.all()]


def test_releases_are_remembered_as_first_seen(store: DurableStore) -> None:
    """The same id again changes nothing; newest first; by feature."""
    one = ReleaseRow("r1", "support", "{}", "abc", True, 1.0)
    two = ReleaseRow("r2", "triage", "{}", first_seen=2.0)
    store.releases.remember([one, two])
    store.releases.remember([msgspec.structs.replace(one, first_seen=9.0)])
    store.releases.remember([])

    assert [two, one] == store.releases.all()
    assert [one] == store.releases.all(feature="support")


# --- schema --------------------------------------------------------------------------------


def test_migrate_says_what_it_did(address: str) -> None:
    """Once with its revisions, then with nothing left to do."""
    store = open_store(address)
    try:
        assert ["0001", "0002", "0003", "0004"] == store.migrate()
        assert [] == store.migrate()
        store.ready()
    finally:
        store.close()


def test_migrations_at_the_same_time_do_no_harm(address: str) -> None:
    """Three at once: one does the work."""
    stores = [open_store(address) for _ in range(3)]
    with ThreadPoolExecutor(3) as people:
        done = list(people.map(lambda store: store.migrate(), stores))
    for store in stores:
        store.ready()
        store.close()

    assert [[], [], ["0001", "0002", "0003", "0004"]] == sorted(done)


@pytest.mark.parametrize(
    ("revision", "words"), [("0000", "older"), ("9999", "newer")], ids=["older", "newer"]
)
def test_a_schema_we_do_not_know_is_refused(store: Any, revision: str, words: str) -> None:
    """With what to do about it, and nothing touched."""
    with store._database.writing(sync=False) as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")

    with pytest.raises(StartRefused, match=words):
        store.ready()


def test_without_tables_the_store_says_migrate(address: str) -> None:
    """Records cannot be added; the message names the command."""
    store = open_store(address)
    try:
        with pytest.raises(StoreUnavailable, match="seatrial migrate"):
            store.records.add([sealed(make(1))])
    finally:
        store.close()


def test_tables_are_what_the_migrations_make(store: Any) -> None:
    """The tables in code and the migrated schema are the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from seatrial.store.indexes import metadata

    with store._database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert [] == differences


def test_the_known_revision_is_the_newest() -> None:
    """`tables.REVISION` is the head of the migrations."""
    from pathlib import Path

    from alembic.script import ScriptDirectory

    from seatrial.store import migrations
    from seatrial.store.tables import REVISION

    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert [REVISION] == script.get_heads()


# --- limits of time ----------------------------------------------------------------------------


def test_a_call_that_takes_too_long_is_stopped(store: Any) -> None:
    """Within its limit, and the store works on."""
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT max(i) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }

    def ask() -> None:
        with store._database.reading(limit_s=0.2) as connection:
            connection.exec_driver_sql(endless[connection.dialect.name]).scalar()

    with pytest.raises(StoreUnavailable, match="in time"):
        ask()
    keep(store, make(1))
    assert [1] == found(store)


def sees_nothing_secret(act: Callable[[], object]) -> str:
    """Return what the failure says, once it is seen to hold no password."""
    with pytest.raises(SeatrialError) as caught:
        act()
    words = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__cause__}"
    assert "hunter2" not in words
    return words


def test_an_absent_server_says_so_without_the_password() -> None:
    """Opening does not connect; the first use fails in time, and tells no secret."""
    pytest.importorskip("psycopg")
    store = open_store("postgresql://ann:hunter2@127.0.0.1:1/nowhere")

    assert "hunter2" not in repr(store)
    words = sees_nothing_secret(store.ready)
    assert "postgresql://ann:***@127.0.0.1:1/nowhere" in words
    store.close()


def test_a_broken_address_tells_no_password() -> None:
    """Not even when it cannot be read."""
    sees_nothing_secret(lambda: open_store("postgresql://ann:hunter2@host:port/x"))


@pytest.mark.parametrize("first_token_s", [None, 0.0, 0.1])
@pytest.mark.parametrize("cut", [False, True])
def test_columns_say_what_the_record_says(
    store: Any, cut: bool, first_token_s: float | None
) -> None:
    """Whoever asks the database itself finds truth values and absent numbers as such."""
    kept = make(1, cut=cut, first_token_s=first_token_s)
    keep(store, kept)

    columns = select(table.c.cut, table.c.first_token_s, table.c.blob)
    with store._database.reading() as connection:
        assert [(cut, first_token_s, seal(kept))] == [*connection.execute(columns)]
