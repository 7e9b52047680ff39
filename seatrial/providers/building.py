"""From settings to the adapter of a target; loads a library only when it is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, assert_never

from seatrial.ports import Provider, Transport
from seatrial.providers.settings import TargetSettings
from seatrial.values.secrets import Secret


def build_provider(
    name: str,
    settings: TargetSettings,
    *,
    transport_factory: Callable[[], Transport] | None = None,
    function: Callable[..., Any] | None = None,
    keys: Sequence[Secret] = (),
    concurrency: int = 256,
    wall: Callable[[], float] = time.time,
) -> Provider:
    """Build the adapter of one target.

    Args:
        name: the target's, for messages.
        settings: where it is, and what is always asked of it.
        transport_factory: makes the wire; `open_transport` when left out.
        function: of a Python target, loaded already.
        keys: the API keys that `settings.api_key` refers to, resolved.
        concurrency: calls at once that the adapter must be able to carry.
        wall: the wall clock.

    Raises:
        ValueError: a key or header holds what no header may hold, or a Python target
            has no function.
    """
    match settings.provider:
        case "python":
            from seatrial.providers.python import PythonProvider

            if function is None:
                raise ValueError(f"The Python target {name} has no function.")
            return PythonProvider(function, concurrency=concurrency)
        case "openai":
            from seatrial.providers.openai import OpenAIProvider

            wire = (transport_factory or open_transport)()
            return OpenAIProvider(settings, wire, keys=keys, wall=wall)
        case "anthropic":
            from seatrial.providers.anthropic import AnthropicProvider

            wire = (transport_factory or open_transport)()
            return AnthropicProvider(settings, wire, keys=keys, wall=wall)
        case _:
            assert_never(settings.provider)


def open_transport() -> Transport:
    """Return the wire that providers use unless told otherwise; connects on first use."""
    from seatrial.providers.wire import WireTransport

    return WireTransport()
