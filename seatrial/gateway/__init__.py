"""The HTTP doors: OpenAI's shapes on one side, our values on the other."""

__all__ = [
    "asgi",
    "bounds",
    "chat",
    "endpoints",
    "exchange",
    "face",
    "faults",
    "headers",
    "health",
    "listening",
    "models",
    "openai_in",
    "openai_out",
    "protocol",
    "scopes",
    "serve",
    "settings",
    "stream",
    "targets",
    "watch",
]
