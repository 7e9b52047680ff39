"""The pages say what the code says: generated parts are fresh, every setting is there."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.config.show import schema
from seatrial.gateway.faults import FAULTS
from seatrial.values.attempts import Cause

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))


def load_generator() -> Any:
    """Import docs/generate.py, which is no part of a package."""
    found = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


generator = load_generator()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_generated_parts_are_fresh(page: Path) -> None:
    """What follows from the code is as the code is now: else run `python docs/generate.py`."""
    text = (DOCS / page).read_text()

    assert generator.refresh(text) == text


def test_every_part_is_on_a_page() -> None:
    """Nothing is generated for nobody."""
    texts = "".join((DOCS / page).read_text() for page in PAGES)

    assert sorted(generator.PARTS) == sorted(re.findall(r"<!-- generated: ([\w-]+) -->", texts))


def setting_names(section: dict[str, Any]) -> Iterator[str]:
    """List the names of all settings, however deep they stand."""
    for name, setting in section.get("properties", {}).items():
        yield name
        yield from setting_names(setting)


def test_every_setting_is_on_the_page() -> None:
    """Each key of seatrial.toml stands in the reference with a word on what it is."""
    page = (DOCS / "reference" / "configuration.md").read_text()
    rooms = "Timer Retry Breaker Price Input Output Limit Budget Cache Hedge".split()
    sections = {"Requirements", *(f"{each}Settings" for each in rooms)}
    content = schema()
    names = {name for each in content["$defs"].values() for name in setting_names(each)}
    tables = {
        "timers",
        "retry",
        "breaker",
        "requirements",
        "price",
        "input",
        "output",
        "limits",
        "budgets",
        "cache",
        "hedge",
    }

    assert sections <= set(content["$defs"])
    assert [] == sorted(
        name
        for name in names - tables
        if not re.search(rf"^\| `{name}` \|[^|]+\|[^|]+\| [A-Z`].+\|$", page, re.MULTILINE)
    )
    assert all(f".{name}]" in page for name in tables)


@pytest.mark.parametrize(
    ("page", "words"),
    [("causes", [cause.value for cause in Cause]), ("http", list(FAULTS))],
)
def test_every_word_is_on_the_page(page: str, words: list[str]) -> None:
    """Each cause and each error code can be looked up."""
    text = (DOCS / "reference" / f"{page}.md").read_text()

    assert [] == [word for word in words if f"| `{word}` |" not in text]


def test_refresh_notices_a_change() -> None:
    """A part that differs from the code is written anew; the rest of the page is kept."""
    page = "Before.\n<!-- generated: causes -->\nold\n<!-- end of causes -->\nAfter.\n"
    fresh = generator.refresh(page)

    assert fresh != page
    assert fresh.startswith("Before.\n")
    assert fresh.endswith("After.\n")
