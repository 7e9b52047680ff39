"""How records are kept, and what became of them, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """How records are kept.

    Args:
        patience_s: how long an answer waits for its record.
        sync_patience_s: how long a hand-off waits for the disk.
        sync_every_s: what is written is forced to disk at least so often.
        gather_s: how long the store's batches gather.
        batch: records carried to the store at once.
        backoff_s, backoff_cap_s: between tries while the store fails, doubling, with jitter.
        stuck_s: an append to the journal that takes longer is passed by: what queues behind it
            goes to the store directly.
        memory_bytes: bound of each: records not written yet, records on their way to the
            store, records that the journal refused.
    """

    patience_s: float = 0.2
    sync_patience_s: float = 2.0
    sync_every_s: float = 0.5
    gather_s: float = 0.25
    batch: int = 500
    backoff_s: float = 0.1
    backoff_cap_s: float = 5.0
    stuck_s: float = 1.0
    memory_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class RecorderCounts:
    """What became of the records since the start.

    Args:
        taken: handed to the recorder.
        kept: new in the store, those of earlier processes included.
        waiting: in the journal or in memory, not yet safe in the store.
        dropped: lost: neither journal nor store took them, or the store never can.
        late: answers that left without knowing their record durable.
        store_errors, journal_errors: calls that failed.
        last_error: the newest trouble in words; empty while there was none.
        stuck: whether the store took nothing when it was last tried.
    """

    taken: int = 0
    kept: int = 0
    waiting: int = 0
    dropped: int = 0
    late: int = 0
    store_errors: int = 0
    journal_errors: int = 0
    last_error: str = ""
    stuck: bool = False
