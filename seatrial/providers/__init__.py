"""The targets' adapters: each implements `ports.Provider` for one dialect."""

from seatrial.providers.building import build_provider, open_transport
from seatrial.providers.settings import TargetSettings

__all__ = [
    "TargetSettings",
    "anthropic",
    "anthropic_errors",
    "anthropic_reply",
    "anthropic_request",
    "build_provider",
    "building",
    "calling",
    "checking",
    "error_map",
    "hints",
    "http",
    "inflating",
    "open_transport",
    "openai",
    "openai_embeddings",
    "openai_errors",
    "openai_usage",
    "openai_wire",
    "python",
    "settings",
    "sse",
    "threads",
    "usage",
    "wire",
]
