"""Is it getting better?  Prompts and their versions."""

__all__ = ["prompts"]
