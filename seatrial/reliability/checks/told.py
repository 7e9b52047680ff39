"""What an answer is held against: the request, taken apart when a check asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from seatrial.reliability.checks.texts import Source, spoken_of, strings_of
from seatrial.values.chat import last_user_text

_INSTRUCTING: Final = frozenset({"system", "developer"})
# What the model said before may have been a leak itself.
_OPEN: Final = frozenset({Source.CALLER, Source.DOCUMENT})


class Told:
    """What an answer is held against: the request that was sent.

    Args:
        body: the chat request as the target got it, with the feature's prompt in it.
        variables: from `metadata` or keyword arguments.
        prompt: the feature's own instructions as its file has them, without values; empty when
            the feature has none: then the system messages of the request are its instructions.
        originals: what the marks in the request stand for; the caller brought it in.
    """

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        variables: Mapping[str, Any] | None = None,
        prompt: str = "",
        originals: Iterable[str] = (),
    ) -> None:
        self.body = body
        self.variables = variables or {}
        self.originals = tuple(originals)
        self._prompt = prompt

    @cached_property
    def question(self) -> str:
        """The last thing that the user said."""
        return last_user_text(self._messages)

    @cached_property
    def instructions(self) -> str:
        """The feature's prompt, or the system messages."""
        if self._prompt:
            return self._prompt
        own = [each for each in self._messages if each.get("role") in _INSTRUCTING]
        return "\n".join(text for text, _ in spoken_of({"messages": own})) if own else ""

    @property
    def _messages(self) -> list[dict[str, Any]]:
        messages = self.body.get("messages")
        return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []

    def all_texts(self) -> list[str]:
        """Return every text of the request, and what its marks stand for."""
        given = [*strings_of(self.body), *strings_of(self.variables)]
        return [*given, *self.originals]

    def caller_texts(self) -> list[str]:
        """Return what the caller said."""
        spoken = spoken_of(self.body)
        return [*(text for text, source in spoken if source is Source.CALLER), *self.originals]

    def open_texts(self) -> list[str]:
        """Return what an answer may repeat word by word: what the caller and documents say."""
        spoken = spoken_of(self.body)
        texts = [text for text, source in spoken if source in _OPEN]
        return [*texts, *strings_of(self.variables)]

    def grounds(self) -> list[str]:
        """Return what an answer may rely on beside its documents."""
        spoken = spoken_of(self.body)
        return [text for text, source in spoken if source is not Source.MODEL]
