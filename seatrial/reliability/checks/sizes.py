"""How much a request asks a model to read: characters, and tokens as far as they can be known.

No model's own tokenizer is used.  Two estimates: from above, which holds for every tokenizer
that falls back to bytes, for money; and a typical one, for limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from seatrial.reliability.checks.texts import spoken_of
from seatrial.values.checks import PASSED, Says, Verdict

# A message is framed by its role and separators.
MESSAGE_TOKENS: Final = 8
# A picture, a sound or a file in base64 or by its address: the dearest usual picture.
MEDIA_TOKENS: Final = 3_000
_ASCII_PER_TOKEN: Final = 4.0
_OTHERS_PER_TOKEN: Final = 1.4
_MEDIA: Final = frozenset({"image_url", "input_audio", "file", "image", "audio", "video_url"})


def typical_tokens(text: str) -> int:
    """Return about how many tokens a text has: four ASCII characters each, fewer of others.

    >>> typical_tokens("How do I reset my password?")
    7
    """
    if text.isascii():
        return math.ceil(len(text) / _ASCII_PER_TOKEN)
    plain = len(text.encode("ascii", "ignore"))
    return math.ceil(plain / _ASCII_PER_TOKEN + (len(text) - plain) / _OTHERS_PER_TOKEN)


def most_tokens(text: str) -> int:
    """Return how many tokens a text has at most: no token is shorter than a byte.

    >>> most_tokens("Tŷ")
    3
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def most_prompt_tokens(body: Mapping[str, Any]) -> int:
    """Return how many tokens a chat request has at most, media at `MEDIA_TOKENS` each."""
    messages = body.get("messages")
    count = MESSAGE_TOKENS
    if isinstance(messages, list):
        count += MESSAGE_TOKENS * len(messages)
        for message in messages:
            content = message.get("content") if isinstance(message, dict) else None
            if isinstance(content, list):
                count += MEDIA_TOKENS * sum(map(_is_media, content))
    for text, _ in spoken_of(body):
        count += most_tokens(text) + 2  # and what stands around it
    return count


def check_size(
    texts: Iterable[str], *, max_chars: int | None = None, max_tokens: int | None = None
) -> Verdict:
    """Refuse texts that are together too long.

    Args:
        texts: all that a model would read.
        max_chars: at most so many characters, where set.
        max_tokens: at most so many tokens by the typical estimate, where set.
    """
    chars = tokens = 0
    for text in texts:
        chars += len(text)
        tokens += typical_tokens(text) if max_tokens is not None else 0
        if max_chars is not None and chars > max_chars:
            return Verdict(
                Says.REFUSE, "too_long", f"The input has more than {max_chars:,} characters."
            )
        if max_tokens is not None and tokens > max_tokens:
            return Verdict(
                Says.REFUSE,
                "too_many_tokens",
                f"The input has more than about {max_tokens:,} tokens.",
            )
    return PASSED


def _is_media(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _MEDIA
