"""Killed and stopped under load, on each store: whoever heard an answer out has a record of it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.testing.crash import Tally, Ward, kill_cycles, term_cycles
from seatrial.testing.driver import End, Outcome, Report
from seatrial.testing.upstream import FaultyUpstream

pytestmark = [pytest.mark.wire]


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    """Run a healthy upstream whose streams take a moment."""
    with FaultyUpstream(gap_s=0.002) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)])
def ward(request: pytest.FixtureRequest, tmp_path: Path, upstream: FaultyUpstream) -> Ward:
    """Return a service on an empty store, of each kind in turn."""
    store = "sqlite:records.db"
    if request.param == "postgresql":
        store = request.getfixturevalue("postgres_address")
    made = Ward(tmp_path, upstream, store=store)
    made.migrate()
    return made


def integrity_of(ward: Ward) -> Callable[[], list[str]]:
    """Return a look into a SQLite file, for trouble; other stores look after themselves."""

    def check() -> list[str]:
        file = ward.folder / "records.db"
        if not file.exists():
            return []
        connection = sqlite3.connect(file)
        try:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        finally:
            connection.close()
        return [] if ["ok"] == said else said

    return check


def test_no_answer_is_without_its_record_after_a_kill(ward: Ward) -> None:
    """Streams included, none twice, and the file is sound."""
    report = kill_cycles(ward, cycles=3, load_s=(0.3, 0.8), check=integrity_of(ward))

    assert report.passed, report.as_text()
    assert report.tally.heard
    assert 0 < report.tally.streams


def test_polite_stop_loses_nobody(ward: Ward) -> None:
    """Running streams end well, kept connections are answered, the port is free again."""
    report = term_cycles(ward, cycles=2, load_s=(0.3, 0.8))

    assert report.passed, report.as_text()
    assert 0 == report.tally.turned_away
    assert report.tally.heard


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_fifty_kills(ward: Ward) -> None:
    """As many as a release promises."""
    report = kill_cycles(ward, cycles=50, check=integrity_of(ward))

    assert report.passed, report.as_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_stops(ward: Ward) -> None:
    """As many as a release promises."""
    report = term_cycles(ward, cycles=20)

    assert report.passed, report.as_text()


def test_buffering_server_is_caught(tmp_path: Path, upstream: FaultyUpstream) -> None:
    """A journal that writes a second after it said yes loses answers, and the cycler says so."""
    ward = Ward(tmp_path, upstream, command=[sys.executable, "-m", "tests.wire.forgetful"])
    report = kill_cycles(ward, cycles=2, load_s=(0.6, 0.9), catch_up_s=2)

    assert not report.passed
    assert report.lost


def outcome(end: End, *, record: str = "", detail: str = "", at_s: float = 0.0) -> Outcome:
    """Return what became of one request that took a tenth of a second."""
    return Outcome(
        0, end, detail, (), "m", False, 200, at_s, 0.1, None, record=record, question=record
    )


def test_only_what_was_heard_out_must_be_there() -> None:
    """What a kill cut off is no failure; what broke before it is one."""
    tally = Tally()
    ends = (
        outcome(End.ANSWER, record="a"),
        outcome(End.REFUSED, record="b"),
        outcome(End.SILENT_CUT, record="c", at_s=0.95),
        outcome(End.UNEXPLAINED, detail="connection refused", at_s=1.0),
        outcome(End.HANG, at_s=0.2),
    )
    tally.take(Report(ends, 1.0), killed_at_s=1.0)

    assert {"a", "b"} == set(tally.heard)
    assert (1, 1) == (tally.cut, tally.turned_away)
    assert ["refused: ", "hang: "] == tally.failed
