"""The questions behind kept answers, so that a similar one can be found.

In memory alone, bounded by count and bytes.  A question waits without its vector until somebody
looks: most answers are never asked for again.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

from seatrial.reliability.similarity import cosine, sketch

PER_PARTITION: Final = 512  # questions
OVERHEAD_BYTES: Final = 500  # of one question, besides its text and vector
# The signs of all vectors are compared, and those that look most alike number by number: so
# many, which takes about a millisecond.
LOOKED_AT: Final = 8


class Kept:
    """One question whose answer is kept.

    Args:
        text: of the question.
        key: under which its answer is kept.
        vector: empty until it is known.
    """

    __slots__ = ("key", "read", "sketch", "text", "vector")

    def __init__(self, text: str, key: str, vector: bytes = b"") -> None:
        self.text = text
        self.key = key
        self.vector = vector
        self.sketch = sketch(vector)
        self.read = False  # whether somebody is asking for its vector now

    @property
    def size(self) -> int:
        """About how many bytes it takes; the sketch takes a quarter of the vector."""
        return OVERHEAD_BYTES + 2 * len(self.text) + len(self.vector) * 5 // 4


class SimilarQuestions:
    """Keeps questions by partition; the partitions used least recently go first.

    Args:
        max_questions, max_bytes: of all partitions together.
    """

    def __init__(self, *, max_questions: int = 10_000, max_bytes: int = 32 << 20) -> None:
        self._partitions: OrderedDict[str, OrderedDict[str, Kept]] = OrderedDict()
        self._max_questions = max_questions
        self._max_bytes = max_bytes
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, partition: str, text: str, key: str, vector: bytes = b"") -> None:
        """Keep a question whose answer is kept under `key`."""
        held = self._partitions.setdefault(partition, OrderedDict())
        self._partitions.move_to_end(partition)
        known = held.get(key)
        if known is not None:
            held.move_to_end(key)
            vector = vector or known.vector
            self._drop(partition, known)
            held = self._partitions.setdefault(partition, OrderedDict())
        kept = held[key] = Kept(text, key, vector)
        self._count += 1
        self._bytes += kept.size
        if len(held) > PER_PARTITION:
            self._drop(partition, next(iter(held.values())))
        self._shrink()

    def has_any(self, partition: str) -> bool:
        """Whether a question of this partition is kept."""
        return partition in self._partitions

    def unread(self, partition: str, limit: int) -> list[Kept]:
        """Return the newest questions without a vector that nobody is asking for; claim them."""
        held: Mapping[str, Kept] = self._partitions.get(partition, {})
        found: list[Kept] = []
        for kept in reversed(list(held.values())):
            if not kept.vector and not kept.read and len(found) < limit:
                kept.read = True
                found.append(kept)
        return found

    def learn(self, partition: str, kept: Kept, vector: bytes) -> None:
        """Take in the vector of a claimed question, or give the claim back with an empty one."""
        kept.read = False
        held = self._partitions.get(partition)
        if vector and held is not None and held.get(kept.key) is kept:
            self._bytes -= kept.size
            kept.vector, kept.sketch = vector, sketch(vector)
            self._bytes += kept.size
            self._shrink()

    def nearest(
        self, partition: str, vector: bytes, *, at_least: float
    ) -> Iterator[tuple[float, Kept]]:
        """Return the questions that are at least so similar, the most similar first."""
        held = self._partitions.get(partition)
        if held is None:
            return
        self._partitions.move_to_end(partition)
        own = sketch(vector)
        known = [kept for kept in held.values() if kept.vector]
        ranked = heapq.nsmallest(LOOKED_AT, known, key=lambda each: (each.sketch ^ own).bit_count())
        found = [(cosine(vector, each.vector), each) for each in ranked]
        yield from sorted(
            (pair for pair in found if pair[0] >= at_least), key=lambda pair: -pair[0]
        )

    def forget(self, partition: str, kept: Kept) -> None:
        """Forget a question: its answer is gone."""
        held = self._partitions.get(partition)
        if held is not None and held.get(kept.key) is kept:
            self._drop(partition, kept)

    def _shrink(self) -> None:
        while self._count > self._max_questions or self._bytes > self._max_bytes:
            partition, held = next(iter(self._partitions.items()))
            self._drop(partition, next(iter(held.values())))

    def _drop(self, partition: str, kept: Kept) -> None:
        held = self._partitions[partition]
        del held[kept.key]
        self._count -= 1
        self._bytes -= kept.size
        if not held:
            del self._partitions[partition]
