"""OpenAI's spelling of embeddings.  Equal texts get equal vectors, whatever stands beside them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
from dataclasses import dataclass

from seatrial.testing.upstream._openai import OpenAI
from seatrial.testing.upstream._plan import OPENAI, Ask, Json, Reply

PATH = "/v1/embeddings"
DIMENSIONS = 16
MOST_DIMENSIONS = 4096


def vector_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Give the vector of a text; its length is 1.

    >>> vector_of("a") == vector_of("a"), vector_of("a") == vector_of("b")
    (True, False)
    """
    drawn = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(dimensions)
    numbers = [each / 127.5 - 1.0 for each in drawn]
    length = math.sqrt(sum(each * each for each in numbers)) or 1.0
    return [each / length for each in numbers]


@dataclass(frozen=True, slots=True)
class Embeddings(OpenAI):
    """The dialect for one request: it knows the texts that it answers."""

    texts: tuple[str, ...] = ()
    dimensions: int = DIMENSIONS
    in_base64: bool = False

    def whole(self, reply: Reply) -> Json:
        """Give the list of vectors."""
        read = (reply.usage or {}).get("input")
        return {
            "object": "list",
            "model": reply.model,
            "data": [
                {"object": "embedding", "index": index, "embedding": self._shown(text)}
                for index, text in enumerate(self.texts)
            ],
            "usage": {"prompt_tokens": read, "total_tokens": read},
        }

    def _shown(self, text: str) -> object:
        numbers = vector_of(text, self.dimensions)
        if not self.in_base64:
            return numbers
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def read_embeddings(body: bytes, *, key: str) -> tuple[Ask, Embeddings] | str:
    """Give what was asked and the dialect that answers it, or why that is not clear."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "The body is not JSON."
    model = data.get("model") if isinstance(data, dict) else None
    if not isinstance(model, str) or not model:
        return "`model` must be a string."
    given = data.get("input")
    texts = given if isinstance(given, list) else [given]
    if not texts or not all(isinstance(each, str | list) and each for each in texts):
        return "`input` must be a text or a list of texts."
    dimensions = data.get("dimensions", DIMENSIONS)
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MOST_DIMENSIONS:
        return "`dimensions` is out of range."
    ask = Ask(
        dialect=OPENAI,
        path=PATH,
        model=model,
        question=str(texts[-1]),
        streamed=False,
        prompt_tokens=max(1, len(body) // 4),
        key=key,
    )
    in_base64 = data.get("encoding_format") == "base64"
    return ask, Embeddings(tuple(map(str, texts)), dimensions, in_base64)
