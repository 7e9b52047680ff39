"""What runs between requests.  Awaits the ports, knows no adapter."""

__all__ = ["money", "retention", "supervisor"]
