"""README and docs: every block in them runs.

The blocks of a page run from top to bottom in one empty folder, with the commands
of this installation first on the path:

- ```sh      by `bash -e`; what it leaves in the background lives to the end of the page
- ```python  by python
- ```text    right after one of these: its lines appear in the output, in that order;
             `...` stands for anything
- any with `title="name"` is written to that file instead

`<!-- not run: reason -->` on the line before a block leaves it out.  Blocks in other
languages, without a title, are for reading.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [Path("README.md"), *sorted(p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md"))]
BLOCK_TIMEOUT_S = 100.0

FENCE = re.compile(
    r"^(?:<!-- not run:(?P<excuse>.*?)-->\n\s*)?"
    r"^```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="(?P<name>[\w./-]+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    title: str | None
    excuse: str | None  # why it is not run; None where it is


def read_blocks(page: str) -> list[Block]:
    """Read the blocks of a page in order."""
    return [
        Block(
            language=fence["language"],
            text=fence["text"],
            title=(found := TITLE.search(fence["info"])) and found["name"],
            excuse=fence["excuse"],
        )
        for fence in FENCE.finditer(page)
    ]


class Runner:
    """Runs the blocks of one page in one folder, and ends what they started."""

    def __init__(self, folder: Path) -> None:
        """Start with an empty folder, which is the home as well."""
        self.folder = folder
        self.output = ""
        self.groups: list[int] = []
        self.environment = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, block: Block) -> None:
        """Run one block and keep its output for the `text` block that may follow."""
        if block.excuse is not None:
            assert block.excuse.strip(), f"why is it not run?\n{block.text}"
            self.output = ""
        elif block.title is not None:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "sh":
            self.output = self.call(["bash", "-e", "-c", block.text])
        elif block.language == "python":
            self.output = self.call([sys.executable, "-c", block.text])
        elif block.language == "text" and self.output:
            assert_shows(self.output, block.text)

    def call(self, command: list[str]) -> str:
        """Run a command in a process group of its own; its output, or an assertion."""
        # A file, not a pipe: a server left in the background would hold a pipe open.
        log = self.folder / ".output"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.groups.append(process.pid)
            code = process.wait(BLOCK_TIMEOUT_S)
        output = log.read_text(errors="replace")
        log.unlink()
        assert 0 == code, f"{command[-1]}\nended with {code} and said:\n{output}"
        return output

    def close(self) -> None:
        """End what the blocks left in the background."""
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def assert_shows(output: str, shown: str) -> None:
    """Check that the lines a page shows appear in the output, in order."""
    lines = iter(" ".join(line.split()) for line in output.splitlines())
    for wanted in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("..."))))
        assert wanted == "..." or any(map(pattern.fullmatch, lines)), (
            f"the page shows\n  {wanted}\nbut the output, in that order, is\n{output}"
        )


def run_page(page: str, folder: Path) -> None:
    """Run all blocks of a page."""
    runner = Runner(folder)
    try:
        for block in read_blocks(page):
            runner.run(block)
    finally:
        runner.close()


@pytest.mark.wire
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_runs(page: Path, tmp_path: Path) -> None:
    """Every block of the page runs, and shows what the page says it shows."""
    run_page((ROOT / page).read_text(), tmp_path)


GOOD = """
```toml title="conf/a.toml"
answer = 42
```

```sh
cat conf/a.toml; echo more
```

```text
answer = ...
more
```

```python
print(open("conf/a.toml").read())
```

<!-- not run: needs the network -->
```sh
exit 1
```
"""


def test_good_page_passes(tmp_path: Path) -> None:
    """Files, shell, python, output and a block left out, all on one page."""
    run_page(GOOD, tmp_path)

    assert 5 == len(read_blocks(GOOD))


@pytest.mark.parametrize(
    "page",
    [
        "```sh\nfalse\necho on\n```",
        "```python\nraise SystemExit(3)\n```",
        "```sh\necho one\n```\n```text\ntwo\n```",
        "```sh\necho one; echo two\n```\n```text\ntwo\none\n```",
        "<!-- not run: -->\n```sh\ntrue\n```",
    ],
)
def test_bad_page_fails(page: str, tmp_path: Path) -> None:
    """A failing command, other output, another order and an empty reason are all caught."""
    with pytest.raises(AssertionError):
        run_page(page, tmp_path)


def test_background_ends_with_its_page(tmp_path: Path) -> None:
    """What a block leaves running is gone when the page is done."""
    run_page("```sh\nwhile echo >> beats; do sleep 0.02; done &\nsleep 0.2\n```", tmp_path)

    time.sleep(0.1)  # the signal is on its way
    beats = (tmp_path / "beats").stat().st_size
    time.sleep(0.3)
    assert beats == (tmp_path / "beats").stat().st_size
