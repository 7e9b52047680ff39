"""The HTTP doors: OpenAI's shapes on one side, our values on the other."""

__all__ = [
    "asgi",
    "bounds",
    "endpoints",
    "face",
    "faults",
    "headers",
    "openai_in",
    "openai_out",
    "protocol",
    "scopes",
    "serve",
    "settings",
    "stream",
    "watch",
]
