"""`seatrial budget`: what was spent of each, and changing one in the file."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from seatrial.app import budgeting
from seatrial.app.budgeting import read_budgets
from seatrial.config import load
from seatrial.errors import CountersUnavailable
from seatrial.ports import Sealed
from seatrial.store import open_store
from seatrial.values.records import AttemptRecord, Record, outline
from seatrial.values.sealing import seal
from tests.doors.cli.conftest import Run

CONFIG = """\
# Our service.
[targets.large]
model = "gpt-5.1"
api_key = "env:NOBODY_SET_THIS"

[targets.own]
base_url = "http://127.0.0.1:1/v1"
price = 0

[features.support]          # customers
route = ["large", "own"]

[features.support.requirements]
cost_usd_month = 100        # never passed

[features.support.budgets]
usd_day = 4.5   # a day
key_usd_day = 1
user_usd_month = 2

[features.quiet]
route = ["own"]
"""
NOW = time.time()


def record(id: str, user: str, key: str, usd: str | None, at: float = NOW) -> Record:
    """A request that was answered and cost so much."""
    cost = None if usd is None else Decimal(usd)
    attempt = AttemptRecord("large", sent=True, cost_usd=cost)
    return Record(
        id, "support", at, "answer", target="large", user=user, key_id=key, attempts=(attempt,)
    )


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service with budgets, and five requests of today."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    store = open_store(f"sqlite:{tmp_path / 'seatrial.db'}")
    store.migrate()
    found = [
        record("r1", "ann", "k1", "1.25"),
        record("r2", "ann", "k1", "0.75"),
        record("r3", "bob", "k2", "0.1"),
        record("r4", "bob", "k2", None),
        record("r5", "", "", "0.000001"),
    ]
    store.records.add([Sealed(outline(each), seal(each)) for each in found])
    store.close()
    return tmp_path


def test_show_tells_ceiling_and_spent(run: Run, books: Path) -> None:
    """Of the feature, each key and each user, the nearest to its ceiling first."""
    shown = run("budget", "show")

    assert 0 == shown.code
    rows = [line.split() for line in shown.out.splitlines()]
    assert "feature whose period ceiling spent share".split() == rows[0]
    assert "support all of it day $4.50 $2.10 47%".split() == rows[1]
    assert "support all of it month $100.00 $2.10 2%".split() == rows[2]
    assert "support key k1 day $1.00 $2.00 200%".split() == rows[3]
    assert "support key k2 day $1.00 $0.10 10%".split() == rows[4]
    assert "support user ann month $2.00 $2.00 100%".split() == rows[5]
    assert "support user bob month $2.00 $0.10 5%".split() == rows[6]
    assert "quiet all of it month none $0 –".split() == rows[7]
    assert "1 attempt has no known cost: in truth it is more." in shown.out
    assert "quiet: nothing was spent this month." in shown.out


def test_show_in_json_has_every_decimal(run: Run, books: Path) -> None:
    """Sums as texts, the forecast, and who makes do with less."""
    (support,) = run("budget", "show", "--feature", "support", "--json").json["features"]

    assert "2.100001" == support["budgets"][0]["spent_usd"]
    assert ("4.5", None) == tuple(support["budgets"][0][k] for k in ("ceiling_usd", "held_usd"))
    assert 1 == support["unpriced"]
    assert time.strftime("%Y-%m", time.gmtime(NOW)) == support["forecast"]["month"]
    assert [] == support["makes_do_with_less"]
    slip = run("budget", "show", "--feature", "suport")
    assert (2, True) == (slip.code, "There are: support, quiet." in slip.err)


async def _books(folder: Path, at: float) -> budgeting.Books:
    store = open_store(f"sqlite:{folder / 'seatrial.db'}")
    try:
        config = load(folder / "seatrial.toml", environ={"NOBODY_SET_THIS": "x" * 40})
        return await read_budgets(store, config, at=at, feature="support")
    finally:
        store.close()


@pytest.mark.anyio
async def test_who_makes_do_with_less_is_foreseen(books: Path) -> None:
    """When the month at this pace passes its ceiling: in the words of a running server."""
    noon = NOW - NOW % 86_400 + 60_000
    store = open_store(f"sqlite:{books / 'seatrial.db'}")
    dear = [record(f"d{day}", "", "", "30", at=noon - day * 86_400) for day in range(1, 8)]
    store.records.add([Sealed(outline(each), seal(each)) for each in dear])
    store.close()

    (support,) = (await _books(books, noon)).features

    assert support.forecast.expected is not None
    assert support.thrift.classes
    assert "will cost about" in support.thrift.reason


class Shared:
    """Shared counters that hold a dollar in every account, and do not answer at first."""

    def __init__(self) -> None:
        self.asked = 0

    async def used(self, asks: list[Any]) -> list[int]:
        self.asked += 1
        if self.asked == 1:
            raise CountersUnavailable("They did not answer in time.")
        assert all(ask.account.startswith("usd:") and ask.amount == 0 for ask in asks)
        return [10**12 for _ in asks]

    async def close(self) -> None:
        """Do nothing."""


def test_what_counters_hold_beyond_the_ledger_is_shown(
    run: Run, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they are shared: what is reserved; never less than nothing."""
    monkeypatch.setattr(budgeting, "PAUSE_S", 0.0)
    monkeypatch.setattr(budgeting, "open_counters", lambda address, clock: Shared())
    text = (books / "seatrial.toml").read_text()
    service = '[service]\ncounters = "valkey://127.0.0.1:1/0"\n'
    (books / "seatrial.toml").write_text(service + text)

    rows = [line.split() for line in run("budget", "show").out.splitlines()]

    assert ["share", "held"] == rows[0][-2:]
    assert "support key k2 day $1.00 $0.10 10% $0.90".split() == rows[4]
    assert ["200%", "$0"] == rows[3][-2:]


def test_counters_that_are_away_are_told(run: Run, books: Path) -> None:
    """The ledger is shown all the same."""
    pytest.importorskip("valkey", reason="the extra scale is not installed")
    text = (books / "seatrial.toml").read_text()
    service = '[service]\ncounters = "valkey://127.0.0.1:1/0"\n'
    (books / "seatrial.toml").write_text(service + text)

    shown = run("budget", "show")

    assert 0 == shown.code
    assert "$2.10" in shown.out
    assert "did not answer. What they hold is not shown." in shown.out.replace("\n", " ")


def test_set_changes_one_value_and_nothing_else(run: Run, books: Path) -> None:
    """Old and new are told; comments and layout stay."""
    told = run("budget", "set", "support", "--usd-day", "6", "--usd-month", "50")

    assert 0 == told.code
    assert "features.support.budgets.usd_day: $4.50 → $6.00\n" in told.out
    assert "features.support.budgets.usd_month: $100.00 → $50.00\n" in told.out
    expected = CONFIG.replace("4.5   # a day", "6   # a day").replace(
        "user_usd_month = 2\n", "user_usd_month = 2\nusd_month = 50\n"
    )
    assert expected == (books / "seatrial.toml").read_text()
    assert ["seatrial.db", "seatrial.toml"] == sorted(
        each.name for each in books.iterdir() if each.name.startswith(("seatrial.", "."))
    )


def test_set_again_changes_nothing(run: Run, books: Path) -> None:
    """The file is not even touched."""
    before = (books / "seatrial.toml").stat()

    assert "is $4.50 already." in run("budget", "set", "support", "--usd-day", "4.5").out
    after = (books / "seatrial.toml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_requirement_holds_all_the_same(run: Run, books: Path) -> None:
    """More than the requirement may be written, and does not count."""
    told = run("budget", "set", "support", "--usd-month", "150", "--json").json

    assert [
        {
            "name": "usd_month",
            "old": 100.0,
            "new": 150.0,
            "note": "requirements.cost_usd_month is 100, and that holds.",
        }
    ] == told["changes"]
    (support,) = run("budget", "show", "--feature", "support", "--json").json["features"]
    assert ["100"] == [
        each["ceiling_usd"]
        for each in support["budgets"]
        if (each["kind"], each["period"]) == ("feature", "month")
    ]


def test_set_keeps_links_and_modes(run: Run, books: Path) -> None:
    """A link stays a link, and who may write the file still may."""
    before = os.umask(0o022)
    real = books / "deployed" / "real.toml"
    real.parent.mkdir()
    (books / "seatrial.toml").rename(real)
    real.chmod(0o664)
    (books / "seatrial.toml").symlink_to(real)

    ran = run("budget", "set", "quiet", "--user-usd-day", "0.05")
    os.umask(before)

    assert 0 == ran.code
    assert (books / "seatrial.toml").is_symlink()
    assert 0o664 == real.stat().st_mode & 0o777
    assert real.read_text().endswith("\n\n[features.quiet.budgets]\nuser_usd_day = 0.05\n")


def test_a_file_that_would_be_wrong_is_left_alone(run: Run, books: Path) -> None:
    """The whole configuration is checked first: here nobody knows a price."""
    wrong = CONFIG.replace("price = 0\n", "")
    unpriced = wrong[: wrong.index("[features.support]")] + wrong[wrong.index("[features.quiet]") :]
    (books / "seatrial.toml").write_text(unpriced)

    failed = run("budget", "set", "quiet", "--usd-day", "5")

    assert 1 == failed.code
    assert "nobody knows what own costs" in failed.err.replace("\n", " ")
    assert "seatrial.toml has 1 problem" in failed.err
    assert unpriced == (books / "seatrial.toml").read_text()
    assert [] == [each.name for each in books.iterdir() if each.name.startswith(".")]


def test_a_change_meanwhile_is_not_lost(
    run: Run, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves the file while the new one is being checked."""
    checked = budgeting._checked

    def save_meanwhile(file: Path, told: Path) -> Any:
        if file.name.startswith("."):
            (books / "seatrial.toml").write_text(CONFIG + "# saved\n")
        return checked(file, told)

    monkeypatch.setattr(budgeting, "_checked", save_meanwhile)
    failed = run("budget", "set", "support", "--usd-day", "6")

    assert (2, True) == (failed.code, "was changed meanwhile" in failed.err)
    assert CONFIG + "# saved\n" == (books / "seatrial.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("support",), "say which budget"),
        (("support", "--usd-day", "-1"), "should be 0 or more"),
        (("support", "--usd-day", "nan"), "should be 0 or more"),
        (("support", "--usd-day", "inf"), "should be 0 or more"),
        (("suport", "--usd-day", "1"), "There is no feature 'suport'."),
    ],
)
def test_what_cannot_be_set_is_misuse(
    run: Run, books: Path, arguments: tuple[str, ...], said: str
) -> None:
    """With words, and the file stays."""
    failed = run("budget", "set", *arguments)

    assert 2 == failed.code
    assert said in " ".join(failed.err.replace("│", " ").split())
    assert CONFIG == (books / "seatrial.toml").read_text()


def test_zero_stops_spending(run: Run, books: Path) -> None:
    """It is a ceiling like any other."""
    assert 0 == run("budget", "set", "support", "--usd-day", "0").code

    assert "no money" in run("budget", "show").out


def test_a_file_that_cannot_be_written_is_told(
    run: Run, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a cluster mounts it read-only."""

    def refuse(*_: Any) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("seatrial.app.budgeting.os.open", refuse)
    failed = run("budget", "set", "support", "--usd-day", "6")

    assert 2 == failed.code
    assert "cannot be written" in failed.err
    assert "Read-only file system." in failed.err
    assert CONFIG == (books / "seatrial.toml").read_text()
