"""Who sees an answer before or after it leaves, and on what evidence.  Pure."""

__all__ = ["agreement", "decide", "difference", "items", "queues", "rulings", "settings"]
