"""Broken configurations and the message that a person sees for each.

The table is `badly_configured.md`; read it as the one who made the mistake.  After a change
of words, `python -m tests.rooms.config.test_badly_configured` writes the messages anew.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seatrial.config import attempt

TABLE = Path(__file__).with_name("badly_configured.md")
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass
class Case:
    """One mistake: its files, and what is said about them."""

    title: str
    toml: str = ""
    said: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """Read the table."""
    for section in TABLE.read_text().split("\n## ")[1:]:
        case = Case(section.split("\n")[0])
        for kind, name, text in BLOCK.findall(section):
            match kind:
                case "toml":
                    case.toml = text
                case "text":
                    case.said = text
                case "environment":
                    case.environ = dict(line.split("=", 1) for line in text.splitlines())
                case "argument":
                    case.arguments = dict(line.split(" = ", 1) for line in text.splitlines())
                case "bytes":
                    case.files[name] = text.encode().decode("unicode_escape").encode("latin-1")
                case _:
                    case.files[name] = text.encode()
        yield case


def say(case: Case, folder: Path) -> str:
    """Return what a person sees: the error, or the warnings."""
    for name, content in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if case.toml:
        (folder / "seatrial.toml").write_text(case.toml)
    loaded = attempt(folder / "seatrial.toml", environ=case.environ, overrides=dict(case.arguments))
    if loaded.error is not None:
        said = str(loaded.error)
    else:
        assert loaded.config is not None
        said = "\n".join(f"warning: {each}" for each in loaded.config.warnings)
    return said.replace(f"{folder}/", "FOLDER/").replace(str(folder), "FOLDER") + "\n"


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.title)
def test_mistake_is_explained(case: Case, tmp_path: Path) -> None:
    """Each broken configuration gives its message, to the letter."""
    assert case.said == say(case, tmp_path)


def test_table_is_long_enough_and_says_all() -> None:
    """At least forty mistakes; no message shows a secret, a path of ours or a bare class."""
    said = [case.said for case in cases()]

    assert len(said) >= 40
    assert len(set(said)) == len(said)
    assert not [each for each in said if re.search(r"hunter2|pydantic|_error|Traceback", each)]
    assert all(each.strip() for each in said)


def rewrite() -> None:
    """Write every message anew, from real runs."""
    whole = TABLE.read_text()
    head, *sections = whole.split("\n## ")
    kept = [head]
    for section, case in zip(sections, cases(), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            said = say(case, Path(folder))
        body = re.sub(r"```text\n.*?^```\n", "", section, flags=re.MULTILINE | re.DOTALL)
        kept.append(f"{body.rstrip()}\n\n```text\n{said}```\n")
    TABLE.write_text("\n## ".join(kept))


if __name__ == "__main__":
    rewrite()
