"""What an operator may set about one target's provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

# Where a dialect is spoken when `base_url` says nothing.
BASE_URLS: Final = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """Where a target is reached, and what is always asked of it.

    Args:
        provider: the dialect: `openai` (also vLLM, Ollama, Azure, Groq, Mistral … by
            `base_url`), `anthropic`, or `python` for a function of your own.
        model: as the provider calls it; a server of one model may need none.
        base_url: address before `/chat/completions` or `/v1/messages`; several are equal
            servers of the same model. Empty for the provider's own.
        api_key: reference to the key, `env:NAME` or `file:/path`; several share the traffic.
        parameters: request fields such as `temperature` or `max_tokens`; what the caller
            says wins over them.
        headers: sent along with every request.
        call: `module:function` of a Python target.
        max_answer_bytes: larger answers are refused.
    """

    provider: Literal["openai", "anthropic", "python"] = "openai"
    model: str | None = None
    base_url: str | tuple[str, ...] = ""
    api_key: str | tuple[str, ...] = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    call: str = ""
    max_answer_bytes: int = 10 * 1024 * 1024

    @property
    def base_urls(self) -> tuple[str, ...]:
        """Return the addresses, without a slash at their ends; none for a Python target."""
        given = (self.base_url,) if isinstance(self.base_url, str) else self.base_url
        addresses = tuple(each.rstrip("/") for each in given if each)
        default = BASE_URLS.get(self.provider)
        return addresses or ((default,) if default else ())

    @property
    def api_keys(self) -> tuple[str, ...]:
        """Return the references to the keys, in order."""
        given = (self.api_key,) if isinstance(self.api_key, str) else self.api_key
        return tuple(each for each in given if each)
