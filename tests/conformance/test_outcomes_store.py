"""What every store promises of outcomes and labels, on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from seatrial.store import DurableStore, open_store, outcomes
from seatrial.values.outcomes import Labelled, OutcomeQuery, Source
from seatrial.values.records import Record
from tests.conformance.reviewing import asking, judged, keep, name_of, said


def numbers(store: DurableStore, **filters: Any) -> list[int]:
    """List the numbers of the outcomes that match, as they come."""
    return [int(each.id[4:]) for each in store.outcomes.find(OutcomeQuery(**filters))]


def labels(store: DurableStore, **more: Any) -> list[tuple[int, int]]:
    """List the sequences of labels, each with the number of its record."""
    found = store.outcomes.labelled(feature="support", **more)
    return [(each.sequence, int(each.record_id[4:])) for each in found]


def test_an_outcome_comes_back_whole(store: DurableStore) -> None:
    """Every field of it; it need not say right or wrong."""
    full = judged(
        1,
        wrong=True,
        tenant="acme",
        source=Source.SYSTEM,
        kind="label",
        value="refund",
        text="Wedi'i ddatrys 📦",
        by="crm",
        received_at=501.5,
        blind=True,
    )
    silent = judged(2, wrong=None, kind="comment", tenant="acme")

    assert 2 == store.outcomes.add([full, silent])

    assert [silent, full] == store.outcomes.find(OutcomeQuery(tenant="acme"))
    assert [] == store.outcomes.find(OutcomeQuery())


def test_zero_bytes_are_dropped(store: DurableStore) -> None:
    """PostgreSQL's text cannot hold them; no outcome is refused for that."""
    assert 1 == store.outcomes.add([judged(1, text="a\0b", value="\0", by="x\0")])

    found = store.outcomes.find(OutcomeQuery())[0]
    assert ("ab", "", "x") == (found.text, found.value, found.by)


def test_an_outcome_is_added_once(store: DurableStore) -> None:
    """Whatever comes again, also within one batch, is passed over; the number says so."""
    keep(store, asking(1))
    first = [judged(n, record_id=name_of(1)) for n in range(1_200)]

    assert 1_200 == store.outcomes.add(first)
    assert 0 == store.outcomes.add(first)
    other = judged(1_200, record_id=name_of(1))
    assert 1 == store.outcomes.add([*first[:3], other, other])
    assert 0 == store.outcomes.add([])

    assert 1_000 == len(numbers(store, limit=5_000))
    expected = [(n + 1, 1) for n in range(1_201)]
    assert expected == labels(store, limit=5_000)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"feature": "triage"}, [2]),
        ({"kind": "thumbs"}, [3]),
        ({"record_id": name_of(2)}, [2]),
        ({"source": "user"}, [3]),
        ({"since": 502.0}, [3, 2]),
        ({"until": 502.0}, [1]),
        ({"before": "out_00000003"}, [2, 1]),
        ({"before": "out_00000009"}, []),
        ({"limit": 1}, [3]),
        ({"limit": 0}, []),
        ({"tenant": "acme"}, [4]),
    ],
    ids=str,
)
def test_lists_filter(store: DurableStore, filters: dict[str, Any], expected: list[int]) -> None:
    """Each filter alone; newest first."""
    batch = [
        judged(2, at=502.0),
        judged(1, at=501.0),
        judged(3, at=502.0, kind="thumbs", source=Source.USER),
        judged(4, tenant="acme"),
    ]
    batch[0] = msgspec.structs.replace(batch[0], feature="triage")
    store.outcomes.add(batch)

    assert expected == numbers(store, **filters)


# --- labels -------------------------------------------------------------------------------


def test_a_label_says_what_outcome_and_record_say(store: DurableStore) -> None:
    """Of the record as it was then, whatever comes first."""
    seen = {
        "confidence": 0.25,
        "signals": {"logprob": -math.inf, "agreement": 0.5},
        "label_share": 0.125,
    }
    asked = asking(1, record=seen, why="spot_check", segment="cy")
    plain = Record(name_of(2), "support", 2.0, "answer", release="r2")
    keep(store, asked, plain)

    store.outcomes.add(
        [
            judged(1, wrong=True, blind=True),
            judged(2, source=Source.SYSTEM),
            judged(3, record_id=name_of(1), wrong=None),
        ]
    )

    first = Labelled(
        1,
        name_of(1),
        "support",
        "r1",
        "cy",
        1.0,
        "held",
        "spot_check",
        True,
        Source.PERSON,
        blind=True,
        confidence=0.25,
        signals={"logprob": -math.inf, "agreement": 0.5},
        share=0.125,
    )
    second = Labelled(
        2, name_of(2), "support", "r2", "", 2.0, "answer", "", False, Source.SYSTEM, share=0.0
    )
    assert [first, second] == store.outcomes.labelled(feature="support")
    assert [second] == store.outcomes.labelled(feature="support", release="r2")
    assert [second] == store.outcomes.labelled(feature="support", after=1)
    assert [first] == store.outcomes.labelled(feature="support", limit=1)
    assert [] == store.outcomes.labelled(feature="support", after=2)
    assert [] == store.outcomes.labelled(feature="triage")


def test_an_early_outcome_is_labelled_once_its_record_is_there(store: DurableStore) -> None:
    """With a later sequence than all that were labelled before."""
    store.outcomes.add([judged(1), judged(2)])
    assert [] == labels(store)
    keep(store, asking(3))
    store.outcomes.add([judged(3)])
    assert [(1, 3)] == labels(store)

    keep(store, asking(2))
    assert [(2, 2)] == labels(store, after=1)
    keep(store, asking(1))
    assert [(1, 3), (2, 2), (3, 1)] == labels(store)
    assert [(1, 3), (2, 2), (3, 1)] == labels(store)


def test_a_label_is_never_of_another_tenants_record(store: DurableStore) -> None:
    """Whoever names a record that is not theirs learns and changes nothing."""
    keep(store, asking(1, record={"tenant": "acme"}))

    store.outcomes.add([judged(1)])

    assert [] == labels(store)


def test_outcomes_without_a_record_hide_no_others(
    store: DurableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait in vain: each look goes on where the last one ended."""
    monkeypatch.setattr(outcomes, "WINDOW", 10)
    store.outcomes.add([judged(n, received_at=float(n)) for n in range(1, 100)])
    keep(store, asking(5), asking(55), asking(95))

    seen = [len(labels(store)) for _ in range(11)]

    assert (1, 3) == (seen[0], seen[-1])
    keep(store, asking(7))
    assert [(4, 7)] == [found for _ in range(11) for found in labels(store, after=3)][-1:]


def test_old_outcomes_without_a_record_are_given_up(store: DurableStore) -> None:
    """With the records of their time; later ones are still waited for."""
    store.outcomes.add([judged(1, received_at=10.0), judged(2, received_at=30.0)])
    store.records.delete_before(20.0)

    keep(store, asking(1), asking(2))

    assert [(1, 2)] == labels(store)
    assert [2, 1] == numbers(store)


def test_whoever_follows_the_sequence_misses_nothing(address: str) -> None:
    """Outcomes come from several sides while records do; a reader goes on from what it saw."""
    servers = 1 if address.startswith("sqlite:") else 3
    stores = [open_store(address) for _ in range(servers)]
    stores[0].migrate()
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def write(place: int) -> None:
        store, die = stores[place % servers], random.Random(place)
        for turn in range(8):
            wanted = [place * 1_000 + turn * 10 + n for n in range(5)]
            early = [n for n in wanted if die.random() < 0.3]
            store.outcomes.add([judged(n) for n in early])
            keep(store, *(asking(n) for n in wanted))
            store.outcomes.add([judged(n) for n in wanted])

    def follow() -> None:
        while True:
            last = done.is_set()
            seen.extend(labels(stores[-1], after=seen[-1][0] if seen else 0, limit=7))
            if last and not labels(stores[-1], after=seen[-1][0]):
                return

    reader = threading.Thread(target=follow)
    reader.start()
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))
    done.set()
    reader.join(60.0)

    assert not reader.is_alive()
    expected = sorted(p * 1_000 + t * 10 + n for p in range(4) for t in range(8) for n in range(5))
    assert expected == sorted(number for _, number in seen)
    assert list(range(1, 161)) == [sequence for sequence, _ in seen]
    for each in stores:
        each.close()


def test_chosen_records_without_an_outcome_are_told(store: DurableStore) -> None:
    """Oldest first; those that nobody was to look at are not among them."""
    keep(
        store,
        *(asking(n) for n in range(1, 6)),
        asking(6, record={"review": None}),
        asking(7, record={"release": "r2"}),
        asking(8, record={"feature": "triage"}),
    )
    store.outcomes.add([judged(2, wrong=True), judged(3, wrong=None)])
    store.reviews.settle(name_of(4), said("ann"), at=50.0, outcomes=[judged(4)])

    def chosen(since: float = 0.0, limit: int = 10) -> list[int]:
        found = store.outcomes.unlabelled(feature="support", release="r1", since=since, limit=limit)
        assert {"unsure"} >= {each.why for each in found}
        return [int(each.record_id[4:]) for each in found]

    assert [1, 3, 5] == chosen()
    assert [3, 5] == chosen(since=2.0)
    assert [1, 3] == chosen(limit=2)


def test_figures_stay_when_records_go(store: DurableStore) -> None:
    """Labels and what was said remain; free words about the record do not."""
    keep(store, Record(name_of(1), "support", 1.0, "answer", release="r1"), asking(9))
    store.outcomes.add([judged(1, text="rude"), judged(9, text="kind")])
    before = labels(store)

    assert 1 == store.records.delete_before(5.0)

    assert before == labels(store)
    assert ["kind", ""] == [each.text for each in store.outcomes.find(OutcomeQuery())]


def test_all_of_it_survives_a_restart(address: str) -> None:
    """Sequences go on where they were."""
    before = open_store(address)
    before.migrate()
    keep(before, asking(1), asking(2))
    before.outcomes.add([judged(1), judged(3)])
    before.close()

    after = open_store(address)
    try:
        keep(after, asking(3))
        after.outcomes.add([judged(2)])
        assert [(1, 1), (2, 2), (3, 3)] == labels(after)
    finally:
        after.close()
