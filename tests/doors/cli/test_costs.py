"""`records cost` and `records reprice`: the books on the command line."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seatrial.cli.costs import money
from seatrial.ports import Sealed
from seatrial.store import open_store
from seatrial.values.chat import Usage
from seatrial.values.records import AttemptRecord, Record, outline
from seatrial.values.sealing import seal
from tests.doors.cli.conftest import Run

CONFIG = """
[targets.large]
model = "gpt-5.1"
api_key = "env:NOBODY_SET_THIS"

[targets.proxied]
base_url = "http://127.0.0.1:1/v1"
PRICE

[features.support]
route = ["large", "proxied"]
"""
NOW = time.time()


def attempt(target: str, usd: str | None, **usage: Any) -> AttemptRecord:
    """An attempt that was sent, with OpenAI's report."""
    raw = {"prompt_tokens": 1_000, "completion_tokens": 500, "total_tokens": 1_500}
    found = msgspec.to_builtins(Usage(input_tokens=1_000, output_tokens=500, raw=raw, **usage))
    cost = None if usd is None else Decimal(usd)
    return AttemptRecord(target, sent=True, usage=found, cost_usd=cost)


RECORDS = [
    Record(
        "rec_1",
        "support",
        NOW - 10,
        "answer",
        target="large",
        user="ann",
        key_id="k1",
        attempts=(attempt("large", "0.00625"),),
    ),
    Record(
        "rec_2",
        "support",
        NOW - 9,
        "degraded",
        target="proxied",
        user="bob",
        attempts=(
            AttemptRecord("large", cause="resting"),
            AttemptRecord("large", sent=True, cause="server_error", cost_usd=Decimal(0)),
            attempt("proxied", None),
        ),
    ),
    Record("rec_3", "support", NOW - 40 * 86_400, "answer", target="large", user="ann"),
]


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service with three records and no price for one of its targets."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "")
    store = open_store(f"sqlite:{tmp_path / 'seatrial.db'}")
    store.migrate()
    store.records.add([Sealed(outline(each), seal(each)) for each in RECORDS])
    store.close()
    return tmp_path


def write(folder: Path, price: str) -> None:
    """Write the configuration, with a price or without."""
    (folder / "seatrial.toml").write_text(CONFIG.replace("PRICE", price))


def test_costs_by_target(run: Run, books: Path) -> None:
    """What is known, and what is not: never as nothing."""
    shown = run("records", "cost", "--by", "target", "--since", "2d")

    assert 0 == shown.code
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["large", "1", "2", "1,000", "500", "$0.00625"] in lines
    assert ["proxied", "1", "1", "1,000", "500", "unknown"] in lines
    assert "1 attempt has no known cost" in shown.out


def test_costs_as_json_have_every_decimal(run: Run, books: Path) -> None:
    """As texts, and null where the cost is unknown."""
    found = run("records", "cost", "--by", "user", "--by", "key", "--since", "2d", "--json").json

    assert ["user", "key"] == found["by"]
    ann, bob = found["rows"]
    assert ("ann", "k1", "0.00625", 0) == (
        ann["user"],
        ann["key"],
        ann["cost_usd"],
        ann["unpriced"],
    )
    assert ("bob", "", "0", 1) == (bob["user"], bob["key"], bob["cost_usd"], bob["unpriced"])
    assert 1_000 == bob["input_tokens"]


def test_costs_in_a_window_and_of_somebody(run: Run, books: Path) -> None:
    """Days and filters; a month when nothing is said."""
    old = time.strftime("%Y-%m-%d", time.gmtime(NOW - 40 * 86_400))
    until = old  # is included

    rows = run("records", "cost", "--by", "day", "--since", "60d", "--json").json["rows"]
    assert [old, time.strftime("%Y-%m-%d", time.gmtime(NOW - 9))] == [
        row["day"] for row in rows[:1] + rows[-1:]
    ]
    early = run("records", "cost", "--by", "day", "--since", "60d", "--until", until, "--json")
    assert [old] == [row["day"] for row in early.json["rows"]]
    nobody = run("records", "cost", "--user", "zoe", "--since", "60d")
    assert "Nothing was booked since" in nobody.out
    assert 0 == run("records", "cost").code
    assert 2 == run("records", "cost", "--by", "mood").code


def test_what_was_unknown_can_be_priced_later(run: Run, books: Path) -> None:
    """The difference is shown; the books stay as they are."""
    before = run("records", "cost", "--by", "target", "--since", "2d").out
    write(books, "price = { input_usd_mtok = 1, output_usd_mtok = 2 }")

    shown = run("records", "reprice", "--since", "2d")
    found = run("records", "reprice", "--since", "2d", "--json").json["rows"]

    large, proxied = found
    assert ("0.00625", "0.00625", "0", 2) == (
        large["booked_usd"],
        large["now_usd"],
        large["difference_usd"],
        large["attempts"],
    )
    # 1000 x 1 + 500 x 2 per million.
    assert (None, "0.002", "0.002", 1, 0) == (
        proxied["booked_usd"],
        proxied["now_usd"],
        proxied["difference_usd"],
        proxied["booked_unpriced"],
        proxied["now_unpriced"],
    )
    assert "unknown" in shown.out
    assert "what was booked stays booked" in shown.out
    assert before == run("records", "cost", "--by", "target", "--since", "2d").out


def test_what_was_read_wrongly_is_read_again(run: Run, books: Path) -> None:
    """From the provider's own report, which is kept: here reasoning that only its total tells."""
    raw = {"prompt_tokens": 1_000, "completion_tokens": 500, "total_tokens": 2_500}
    usage = msgspec.to_builtins(Usage(input_tokens=1_000, output_tokens=500, raw=raw))
    old = AttemptRecord("large", sent=True, usage=usage, cost_usd=Decimal("0.00625"))
    record = Record("rec_9", "support", NOW, "answer", user="zoe", attempts=(old,))
    store = open_store(f"sqlite:{books / 'seatrial.db'}")
    store.records.add([Sealed(outline(record), seal(record))])
    store.close()

    (row,) = run("records", "reprice", "--since", "2d", "--user", "zoe", "--json").json["rows"]

    # 1000 x 1.25 + 1500 x 10 per million.
    assert ("0.00625", "0.01625") == (row["booked_usd"], row["now_usd"])


def test_another_price_list_can_be_tried(run: Run, books: Path) -> None:
    """A newer one, or one that is none."""
    lines = [
        {"list": "newer", "sha256": "0"},
        {"provider": "openai", "address": "https://api\\.openai\\.com"},
        {
            "of": "openai",
            "model": "gpt-5.1",
            "match": ["equals", "gpt-5.1"],
            "prices": [{"rates": {"input_tokens": "1", "output_tokens": "5"}}],
        },
    ]
    (books / "list.jsonl").write_text(
        "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines)
    )
    found = run(
        "records", "reprice", "--by", "feature", "--by", "day", "--by", "user", "--by", "key",
        "--by", "purpose", "--by", "release", "--since", "2d", "--user", "ann",
        "--prices", "list.jsonl", "--json",
    ).json["rows"]  # fmt: skip

    assert ["0.0035"] == [row["now_usd"] for row in found]
    assert ["-0.00275"] == [row["difference_usd"] for row in found]
    wrong = run("records", "reprice", "--prices", "seatrial.toml", "--since", "2d")
    assert (2, True) == (wrong.code, "cannot be used as a price list" in wrong.err)


def test_nothing_to_price(run: Run, books: Path) -> None:
    """Is said."""
    assert "No record" in run("records", "reprice", "--user", "zoe").out


@pytest.mark.parametrize(
    ("pico", "said"),
    [
        (10**12, "$1.00"),
        (999_999 * 10**6, "$0.999999"),
        (5 * 10**11, "$0.50"),
        (1, "under $0.000001"),
        (-4_350_000_000, "-$0.00435"),
        (-(10**15), "-$1,000.00"),
    ],
)
def test_money_is_written_for_people(pico: int, said: str) -> None:
    """Small sums keep their figures, and none is shown as nothing."""
    assert said == money(pico)
