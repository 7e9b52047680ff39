"""The service under test: its files, its process, and what its store holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from seatrial.app import Seatrial
from seatrial.ports import RecordQuery
from seatrial.testing.driver._judge import VIOLATIONS, End
from seatrial.testing.driver._load import Load, Outcome, Report, drive
from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream._server import FaultyUpstream

FEATURE: Final = "trial"
PAGE: Final = 1000
# Whoever hears one of these has heard the last byte: its record must be there.
HEARD_OUT: Final = frozenset(End) - VIOLATIONS - {End.ABANDONED}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store holds.

    Args:
        ids: how often each record's id is there.
        questions: how often each question was recorded.
        releases: of all records.
    """

    ids: Counter[str]
    questions: Counter[str]
    releases: frozenset[str]


@dataclass(slots=True)
class Ward:
    """A service of one feature with two targets, in a folder of its own.

    Args:
        folder: for the configuration and, unless told otherwise, everything else.
        upstream: behind both targets.
        store: the store's address, as in the configuration.
        journal: the journal's folder; beside the configuration when empty.
        command: what to run instead of `seatrial serve`, given the configuration's path.
        deadline_s: of a request.
        port: where it listens; 0 takes a free one at the first start and keeps it.
    """

    folder: Path
    upstream: FaultyUpstream
    store: str = "sqlite:records.db"
    journal: str = ""
    command: Sequence[str] = ()
    deadline_s: float = 10.0
    port: int = 0
    _writes: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.write()

    @property
    def config(self) -> Path:
        """Give the configuration's path."""
        return self.folder / "seatrial.toml"

    def write(self, *, say: str = "Sorry, not now.", broken: str = "") -> None:
        """Write the configuration as a whole.

        Args:
            say: the fixed text; another one makes another release.
            broken: what to put at its end, for a file that must be refused.
        """
        journal = f'journal = "{self.journal}"\n' if self.journal else ""
        text = (
            f'[service]\nlisten = "127.0.0.1:0"\nstore = "{self.store}"\n{journal}'
            f'[targets.first]\nprovider = "openai"\nmodel = "first-1"\n'
            f'base_url = "{self.upstream.base_url}"\n'
            f'[targets.second]\nprovider = "openai"\nmodel = "second-1"\n'
            f'base_url = "{self.upstream.base_url}"\n'
            f'[features.{FEATURE}]\nroute = ["first", "second", "say"]\nsay = "{say}"\n'
            f"[features.{FEATURE}.requirements]\ndeadline_s = {self.deadline_s:g}\n{broken}"
        )
        draft = self.config.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.config)

    def process(self) -> GatewayProcess:
        """Make its process, to be started, on the same port every time."""
        command = [*self.command, str(self.config)] if self.command else ()
        return GatewayProcess(self.config, listen=f"127.0.0.1:{self.port}", command=command)

    def load(self, process: GatewayProcess, **more: Any) -> Load:
        """Give a load for it; questions differ between seeds."""
        settings: dict[str, Any] = {
            "url": process.url,
            "requests": 1_000_000,
            "concurrency": 8,
            "models": (FEATURE,),
            "deadline_s": self.deadline_s,
        }
        return Load(**(settings | more))

    def migrate(self) -> None:
        """Bring the store's schema up to date; PostgreSQL needs that before the first start."""
        app = Seatrial.open(self.config)
        app.store.migrate()
        app.store.close()

    def kept(self) -> Kept:
        """Read the store, beside the running process or after it."""
        store = Seatrial.open(self.config).store
        ids: Counter[str] = Counter()
        questions: Counter[str] = Counter()
        releases: set[str] = set()
        before = ""
        try:
            while page := store.records.find(RecordQuery(before=before, limit=PAGE)):
                for record in page:
                    ids[record.id] += 1
                    releases.add(record.release)
                    messages = (record.input or {}).get("messages") or [{}]
                    questions[str(messages[-1].get("content"))] += 1
                before = page[-1].id
        finally:
            store.close()
        return Kept(ids, questions, frozenset(releases))


@dataclass(slots=True)
class Tally:
    """What callers were told, over all cycles of a trial.

    Args:
        heard: records of the answers whose last byte came, by id, with their question.
        streams: how many of them were streamed.
        requests: that were sent.
        failed: those whose end breaks a promise, in words.
        turned_away: connections that were refused: nothing was sent.
        stale: kept connections found closed; the request was sent again and answered.
        cut: those that a kill cut off.
    """

    heard: dict[str, str] = field(default_factory=dict)
    streams: int = 0
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    turned_away: int = 0
    stale: int = 0
    cut: int = 0

    def take(self, report: Report, *, killed_at_s: float | None = None) -> None:
        """Take in one load's ends.

        Args:
            report: of the load.
            killed_at_s: when the process was killed, since the load began: what ended then or
                later may have been cut off.
        """
        for outcome in report.outcomes:
            self.requests += 1
            self.stale += outcome.stale
            if outcome.end in HEARD_OUT and outcome.record:
                self.heard[outcome.record] = outcome.question
                self.streams += outcome.streamed
            if outcome.end in {End.ANSWER, End.DEGRADED}:
                continue
            if outcome.detail == "connection refused":
                self.turned_away += 1
            elif killed_at_s is not None and _ended(outcome) >= killed_at_s - 0.05:
                self.cut += 1
            else:
                self.failed.append(f"{outcome.end}: {outcome.detail}")


def _ended(outcome: Outcome) -> float:
    return outcome.at_s + outcome.total_s


async def wait_for_records(ward: Ward, heard: Sequence[str], *, limit_s: float) -> Kept:
    """Return what the store holds, once it holds all these or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while True:
        kept = await asyncio.to_thread(ward.kept)
        if loop.time() > deadline or all(name in kept.ids for name in heard):
            return kept
        await asyncio.sleep(0.2)


def doubled(kept: Kept) -> list[str]:
    """Give the ids and the questions that were recorded more than once."""
    return [name for counts in (kept.ids, kept.questions) for name, n in counts.items() if n > 1]


__all__ = ["FEATURE", "Kept", "Tally", "Ward", "doubled", "drive", "wait_for_records"]
