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
    app = open_store_alone(config)
    app.store.ready()
    return app


def open_store_alone(config: Path) -> Seatrial:
    """Return the application of a configuration, for its store alone.

    Whoever looks up records or makes a key needs no provider's secret.

    Raises:
        ConfigError: the configuration has problems.
    """
    return Seatrial.open(config, for_asking=False)
