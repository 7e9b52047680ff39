"""Which kept question is so much like the one that is asked that its answer may be given.

Alike in words is not enough: the answers must have been given within one tenant, key scope,
feature and prompt, everything else of the request must be equal, and what `telling` finds in
both questions as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from operator import mul
from typing import Any, Final, NamedTuple

import msgspec

from seatrial.reliability.settings import TargetRules
from seatrial.values.vectors import unpack

# Longer ones are seldom asked twice, and one vector says too little about them.
MOST_QUESTION_CHARS: Final = 2_000
_TOP_BIT: Final = bytes(byte >> 7 for byte in range(256))


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """A section [features.NAME.cache]: which kept answers may be given again.

    Args:
        similar: how much alike a kept question must be, as the cosine of the two vectors; left
            out, only equal requests share an answer.
        embeddings: the target that makes the vectors.
        embed_s: it must have answered within this, in seconds; late, only equal requests count.
        front: ask the cache before the first target, and not only where the route names it.
        max_age_s: answers older than this are not given again; left out, any may be.
    """

    similar: float | None = None
    embeddings: str = ""
    embed_s: float = 1.0
    front: bool = False
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class CachePlan:
    """How a feature uses kept answers.

    Args:
        settings: as the operator set them.
        embeddings: who makes vectors, or None.
        space: names the model behind it: vectors of two models are never compared.
    """

    settings: CacheSettings = CacheSettings()
    embeddings: TargetRules | None = None
    space: str = ""

    def is_fresh(self, age_s: float) -> bool:
        """Whether an answer of this age may be given again."""
        most_s = self.settings.max_age_s
        return most_s is None or age_s <= most_s


class Inquiry(msgspec.Struct):
    """A question that may be compared with others.

    Args:
        text: of the question.
        partition: only questions of the same one are compared.
        vector: of the text, once it is known.
        failed: whether the vector was asked for in vain.
    """

    text: str
    partition: str
    vector: bytes = b""
    failed: bool = False


class Split(NamedTuple):
    """A request taken apart: the last user text, and everything else."""

    question: str
    rest: dict[str, Any]


def split_request(body: Mapping[str, Any]) -> Split | None:
    """Return the question and what is around it; None where there is no plain question.

    >>> split_request({"messages": [{"role": "user", "content": "Where is it?"}]}).question
    'Where is it?'
    """
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(messages, list) or not isinstance(last, dict) or last.get("role") != "user":
        return None
    text = _plain_text(last.get("content"))
    if text is None or not 0 < len(text.strip()) <= MOST_QUESTION_CHARS:
        return None
    return Split(text, {**body, "messages": [*messages[:-1], {**last, "content": ""}]})


def _plain_text(content: object) -> str | None:
    """Return the text of a content that is nothing but one text."""
    if isinstance(content, list) and len(content) == 1:
        (part,) = content
        if isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text":
            content = part["text"]
    return content if isinstance(content, str) else None


def raised(setting: float, wanted: str | None) -> float:
    """Return the bar for a request, which its caller can raise and never lower.

    >>> raised(0.95, "0.99"), raised(0.95, "0.5"), raised(0.95, "nan"), raised(0.95, None)
    (0.99, 0.95, 0.95, 0.95)
    """
    try:
        asked = float(wanted) if wanted is not None else setting
    except ValueError:
        return setting
    return max(setting, asked) if math.isfinite(asked) else setting


def sketch(vector: bytes) -> int:
    """Return the signs of a vector's numbers: where few differ, the vectors are alike.

    >>> from seatrial.values.vectors import pack
    >>> (sketch(pack([1, -2, 3])) ^ sketch(pack([2, -1, -3]))).bit_count()
    1
    """
    return int.from_bytes(vector[3::4].translate(_TOP_BIT))


def cosine(one: bytes, other: bytes) -> float:
    """Return how alike two vectors are, from -1 to 1; -1 where that means nothing.

    >>> from seatrial.values.vectors import pack
    >>> round(cosine(pack([3.0, 4.0]), pack([4.0, 3.0])), 2)
    0.96
    """
    if len(one) != len(other):
        return -1.0
    first, second = unpack(one), unpack(other)
    lengths = math.hypot(*first) * math.hypot(*second)
    if lengths == 0 or not math.isfinite(lengths):
        return -1.0
    product: float = sum(map(mul, first, second))
    return min(1.0, product / lengths)
