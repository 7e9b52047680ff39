"""Is the new version safe to show?  Releases and their ids."""

__all__ = ["releases"]
