"""Questions with a verdict about an input or an answer.  Pure: text in, verdict out."""

__all__ = ["settings", "shape", "texts"]
