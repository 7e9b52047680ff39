"""Functions put under a feature keep their face, and leave a record of where they were called."""

import asyncio
import inspect
from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.errors import Misuse, UnknownFeature
from seatrial.ports import RecordQuery

CONFIG = """
[service]
store = "sqlite:records.db"

[features.double]
purpose = "Doubles"
owner = "me@example.org"
route = ["double", "say"]
say = "I cannot double that."
"""


@pytest.fixture
def app(tmp_path: Path) -> Seatrial:
    """Open an application with one feature, whose route names a function."""
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    return Seatrial.open(tmp_path / "seatrial.toml")


def test_sync_function(app: Seatrial) -> None:
    """Its value comes back as it is, a lower tier's text when it fails; the record says whence."""

    @app.feature("double")
    def double(number: int) -> int:
        """Double it."""
        return 2 * number

    with app:
        assert 42 == double(21)
        assert "I cannot double that." == double(None)  # type: ignore[arg-type]  # on purpose

    newest, oldest = Seatrial.open(app.config.path).store.records.find(RecordQuery(limit=2))
    assert ("Double it.", "double") == (double.__doc__, double.__name__)
    assert ("answer", "degraded") == (oldest.decision, newest.decision)
    assert "test_functions.py" in oldest.call_site
    assert oldest.call_site.endswith("in test_sync_function")


def test_async_function(app: Seatrial) -> None:
    """An async function stays one."""

    @app.feature("double")
    async def double(number: int) -> int:
        return 2 * number

    async def scene() -> int:
        async with app:
            return await double(21)

    assert inspect.iscoroutinefunction(double)
    assert 42 == asyncio.run(scene())


def test_a_function_needs_its_place_in_a_route(app: Seatrial) -> None:
    """A slip in the name is told when the function is put there."""
    with pytest.raises(UnknownFeature):
        app.feature("triple")


def test_a_route_must_name_the_function(app: Seatrial) -> None:
    """A function that no route names would never be called."""
    file = app.config.path
    file.write_text(file.read_text().replace('"double", "say"', '"say"'))

    with pytest.raises(Misuse, match="does not name its function"):
        Seatrial.open(file).feature("double")
