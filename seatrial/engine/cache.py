"""The last good answers, bounded by count and bytes, oldest use forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from seatrial.values.chat import Answer

OVERHEAD_BYTES: Final = 400  # of one entry, besides its text


class _Kept(NamedTuple):
    answer: Answer
    at: float  # wall clock: ages are told to people and survive a restart
    size: int  # in bytes


class AnswerCache:
    """Keeps answers under keys that already separate tenants, features and prompts.

    Args:
        max_answers, max_bytes: the least recently used go first beyond either.
    """

    def __init__(self, *, max_answers: int = 10_000, max_bytes: int = 16 << 20) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: str, answer: Answer, *, at: float) -> None:
        """Keep an answer given at `at` (wall clock, seconds), unless a later one is there."""
        known = self._kept.get(key)
        if known is not None and known.at > at:
            return
        if known is not None:
            self._forget(key)
        # Without its raw bytes: they carry the id and time of the first request.
        kept = msgspec.structs.replace(answer, body=b"", usage=None)
        size = _size(kept)
        if size > self._max_bytes:
            return  # one answer must not drive out all others
        self._kept[key] = _Kept(kept, at, size)
        self._bytes += size
        while self._kept and (len(self._kept) > self._max_answers or self._bytes > self._max_bytes):
            self._forget(next(iter(self._kept)))

    def get(self, key: str, *, now: float) -> Answer | None:
        """Return the answer with its age, or None."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return msgspec.structs.replace(kept.answer, age_s=max(0.0, now - kept.at))

    def _forget(self, key: str) -> None:
        self._bytes -= self._kept.pop(key).size


def _size(answer: Answer) -> int:
    written = (answer.text or "") + (answer.reasoning or "")
    vectors = sum(map(len, answer.vectors))
    return OVERHEAD_BYTES + vectors + len(written.encode("utf-8", "surrogatepass"))
