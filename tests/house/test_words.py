"""Words that do not belong in the house."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import seatrial

ROOT = Path(__file__).parents[2]
PLACES = ("seatrial", "tests", "bench", "docs", ".ci")
ENDINGS = {".py", ".md", ".toml", ".yml", ".sh", ".txt", ".json", ""}

# A name that says nothing of what is in it.
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "manager", "misc"}

FORBIDDEN = {
    r"\bTODO\b(?! #\d)": "a TODO needs the number of an issue: `TODO #12`",
    r"\b(?:FIXME|XXX)\b": "say what is wrong in an issue, not in the source",
    r"(?<![\w.:/~-])/(?:root|home|work|opt|Users)/\w": "a path of somebody's machine",
    r"(?:index-url|find-links)\s*[=:]": "an address of a registry",
    r"\b(?:sk|pk)-[A-Za-z0-9]{32,}": "this looks like a real key",
}


def files() -> Iterator[Path]:
    """List the files that people read or run."""
    for place in PLACES:
        yield from (ROOT / place).rglob("*")
    yield from ROOT.glob("[!.]*.*")


TEXTS = sorted(
    path.relative_to(ROOT)
    for path in files()
    if path.is_file()
    and path.suffix in ENDINGS
    and not {"__pycache__", "node_modules"} & set(path.parts)
    and path != Path(__file__)
)


def complaints(text: str) -> list[str]:
    """List what is wrong with a text, by line."""
    return [
        f"line {number}: {reason}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern, reason in FORBIDDEN.items()
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("path", TEXTS, ids=str)
def test_text_has_no_forbidden_words(path: Path) -> None:
    """No loose TODO, machine path, registry address or key."""
    assert [] == complaints((ROOT / path).read_text())


@pytest.mark.parametrize(
    "line",
    [
        "# TODO: later",
        "# FIXME",
        'open("/home/someone/seatrial.db")',
        "--find-links=wheels",
        "key = sk-" + "a1" * 20,
    ],
)
def test_forbidden_words_are_found(line: str) -> None:
    """Each rule can fail."""
    assert 1 == len(complaints(line))


def test_names_say_what_is_inside() -> None:
    """No room, module or test folder is called after nothing."""
    names = {
        path.relative_to(ROOT): path.stem.strip("_")
        for place in ("seatrial", "tests", "bench")
        for path in (ROOT / place).rglob("*")
        if (path.suffix == ".py" or path.is_dir()) and "node_modules" not in path.parts
    }

    assert [] == sorted(path for path, name in names.items() if name in EMPTY_NAMES)


def test_version_is_one() -> None:
    """The package, its metadata and the changelog speak of the same version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert version == seatrial.__version__
    assert "Unreleased" == headings[0]
    assert [version] == headings[1:2] or not headings[1:]
