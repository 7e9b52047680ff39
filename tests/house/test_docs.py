"""README and docs: every block in them runs.

The blocks of a page run from top to bottom in one empty folder, with the commands
of this installation first on the path:

- ```sh      by `bash -e`; what it leaves in the background lives to the end of the page,
             and a server there listens before the next block begins
- ```python  by python
- ```text    right after one of these: its lines appear in the output, in that order;
             `...` stands for anything
- any with `title="name"` is written to that file instead

The ports that pages speak of are put in place of by free ones, so that pages run side by side.

`<!-- not run: reason -->` on the line before a block leaves it out; `<!-- figures vary -->`
before a ```text lets its numbers differ.  Blocks in other languages, without a title, are
for reading.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [Path("README.md"), *sorted(p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md"))]
BLOCK_TIMEOUT_S = 100.0
LISTENS_WITHIN_S = 20.0
PORTS = ("8080", "8101")  # of the gateway, and of the model server that stands in for a provider

FENCE = re.compile(
    r"^(?:<!-- not run:(?P<excuse>.*?)-->\n\s*)?"
    r"(?P<vary><!-- figures vary -->\n\s*)?"
    r"^```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="(?P<name>[\w./-]+)"')
FIGURE = re.compile(r"\b[0-9a-f]{10,}\b|\d[\d,.:]*(?: ?(?:ms|s)\b)?")  # ids as well
SERVER = re.compile(r"\b(?:serve|server|upstream)\b.*&$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    title: str | None
    excuse: str | None  # why it is not run; None where it is
    vary: bool  # whether its figures differ from run to run


def read_blocks(page: str) -> list[Block]:
    """Read the blocks of a page in order."""
    return [
        Block(
            language=fence["language"],
            text=fence["text"],
            title=(found := TITLE.search(fence["info"])) and found["name"],
            excuse=fence["excuse"],
            vary=fence["vary"] is not None,
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
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.environment = {
            "COLUMNS": "100",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, block: Block) -> None:
        """Run one block and keep its output for the `text` block that may follow."""
        text = self.with_free_ports(block.text)
        if block.excuse is not None:
            assert block.excuse.strip(), f"why is it not run?\n{block.text}"
            self.output = ""
        elif block.title is not None:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif block.language == "sh":
            self.output = self.call(["bash", "-e", "-c", text])
        elif block.language == "python":
            self.output = self.call([sys.executable, "-c", text])
        elif block.language == "text" and self.output:
            assert_shows(self.output, text, vary=block.vary)

    def with_free_ports(self, text: str) -> str:
        """Return a block with this run's ports."""
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", str(free), text)
        return text

    def listening(self) -> int:
        """Count the servers of the page that take connections."""
        return sum(listens(port) for port in self.ports.values())

    def call(self, command: list[str]) -> str:
        """Run a command in a process group of its own; its output, or an assertion."""
        # A file, not a pipe: a server left in the background would hold a pipe open.
        log = self.folder / ".output"
        servers = self.listening()
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
        if SERVER.search(command[-1]) and not code:
            wait_until(lambda: self.listening() > servers or servers == len(self.ports))
        output = log.read_text(errors="replace")
        log.unlink()
        for path in self.folder.rglob("seatrial.toml"):  # as `seatrial init` writes it
            path.write_text(self.with_free_ports(path.read_text()))
        assert 0 == code, f"{command[-1]}\nended with {code} and said:\n{output}"
        return output

    def close(self) -> None:
        """End what the blocks left in the background."""
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def listens(port: int) -> bool:
    """Return whether a server takes connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait, for a while at most: what does not listen is no server, or the next block tells."""
    end = time.monotonic() + LISTENS_WITHIN_S
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)


def assert_shows(output: str, shown: str, *, vary: bool = False) -> None:
    """Check that the lines a page shows appear in the output, in order.

    Args:
        output: what came.
        shown: what the page shows.
        vary: whether the numbers may differ.
    """
    if vary:
        output, shown = FIGURE.sub("#", output), FIGURE.sub("#", shown)
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
        "```sh\necho 1 of 2\n```\n```text\n3 of 4\n```",
        "```sh\necho 1 of 2\n```\n<!-- figures vary -->\n```text\n3 for 4\n```",
    ],
)
def test_bad_page_fails(page: str, tmp_path: Path) -> None:
    """A failing command, other output, another order and an empty reason are all caught."""
    with pytest.raises(AssertionError):
        run_page(page, tmp_path)


def test_figures_may_vary(tmp_path: Path) -> None:
    """Where a page says so, numbers and their units differ and the words do not."""
    run_page(
        "```sh\necho 1 of 2 in 3 ms\n```\n<!-- figures vary -->\n```text\n3 of 4 in 1.5 s\n```",
        tmp_path,
    )


def test_server_listens_before_the_next_block(tmp_path: Path) -> None:
    """A server left in the background is waited for, on a port that is free."""
    server = "python -m http.server --bind 127.0.0.1 8101 &"
    run_page(f"```sh\n{server}\n```\n```sh\ncurl -sf http://127.0.0.1:8101/\n```", tmp_path)


def test_background_ends_with_its_page(tmp_path: Path) -> None:
    """What a block leaves running is gone when the page is done."""
    run_page("```sh\nwhile echo >> beats; do sleep 0.02; done &\nsleep 0.2\n```", tmp_path)

    time.sleep(0.1)  # the signal is on its way
    beats = (tmp_path / "beats").stat().st_size
    time.sleep(0.3)
    assert beats == (tmp_path / "beats").stat().st_size
