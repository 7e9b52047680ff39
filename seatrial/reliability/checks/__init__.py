"""Questions with a verdict about an input or an answer.  Pure: text in, verdict out."""

__all__ = [
    "citations",
    "dates",
    "figures",
    "forbidden",
    "grounding",
    "leaks",
    "names",
    "outgoing",
    "phrases",
    "refusals",
    "settings",
    "shape",
    "sources",
    "structured",
    "texts",
    "told",
    "tools",
]
