"""Opens the application for commands that look into its store."""

from __future__ import annotations

from pathlib import Path

from seatrial.app import Seatrial


def open_with_store(config: Path) -> Seatrial:
    """Return the application of a configuration, its store ready to be read and written.

    Raises:
        ConfigError: the configuration has problems.
        StartRefused: the store has another version's schema.
        StoreUnavailable: the store cannot be reached.
    """
    app = Seatrial.open(config)
    app.store.ready()
    return app
