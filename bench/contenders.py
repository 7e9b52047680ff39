"""Who is measured: how each is started, and why one may be missing.

Seatrial is known here by a command and a configuration only; both can be replaced
from the command line.
"""

import importlib.util
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from bench import nginx, wire

ROOT: Final = Path(__file__).resolve().parent.parent
SEATRIAL_COMMAND: Final = "{bin}/seatrial serve --config {config}"
NO_RECORDS_COMMAND: Final = "{python} -m bench.unrecorded serve --config {config}"
MIGRATE_COMMAND: Final = "{bin}/seatrial migrate --config {config}"
SEATRIAL_TOML: Final = Path(__file__).with_name("seatrial.toml")
RECORDS_ON: Final = "sqlite:{folder}/records.db"

DIRECT: Final = "direct"
NGINX: Final = "nginx"
HTTPTOOLS: Final = "bare httptools"
AIOHTTP: Final = "bare aiohttp"
PYREQWEST: Final = "bare pyreqwest"
SEATRIAL: Final = "seatrial"
NO_RECORDS: Final = "no records"
NO_CHECKS: Final = "no checks"
ALL: Final = (DIRECT, NGINX, HTTPTOOLS, AIOHTTP, PYREQWEST, SEATRIAL, NO_RECORDS, NO_CHECKS)

# Everything that a feature is checked for by default.
CHECKS_OFF: Final = """
[features.bench.input]
injection = "off"

[features.bench.output]
leaks = "off"
tools = "off"
"""


class Missing(Exception):
    """A contender cannot be measured here; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one contender.

    Args:
        command: the program that serves.
        probe: the path that says by 200 that it is up; None posts a request instead.
        prepare: a command that runs to its end before, and is not measured.
    """

    command: tuple[str, ...]
    probe: str | None = None
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seatrial:
    """How Seatrial is started; the templates know {bin}, {python}, {config} and {port}."""

    template: str = SEATRIAL_COMMAND
    template_off: str = NO_RECORDS_COMMAND
    config: Path = SEATRIAL_TOML
    store: str = RECORDS_ON
    prepare: str = MIGRATE_COMMAND

    def write_config(self, folder: Path, *, port: int, upstream: int) -> Path:
        """Fill the configuration in for one process, in its own folder."""
        store = self.store.format(folder=folder)
        text = Template(self.config.read_text()).substitute(
            listen=port, upstream=upstream, store=store
        )
        path = folder / "seatrial.toml"
        path.write_text(text)
        return path

    def prepare_words(self, config: Path) -> tuple[str, ...]:
        """The command that makes the store ready for a configuration; empty for none."""
        return _words(self.prepare, config, 0)


def launch(name: str, seatrial: Seatrial, *, folder: Path, port: int, upstream: int) -> Launch:
    """The way to start contender `name` on `port` before the stub on port `upstream`.

    Raises:
        Missing: when what it needs is not installed here.
    """
    match name:
        case "nginx":
            program = nginx.find()
            if program is None:
                raise Missing("nginx is not installed: `apt-get install nginx-light`")
            return Launch(
                tuple(nginx.command(program, folder=folder, port=port, upstream=upstream))
            )
        case "bare httptools" | "bare aiohttp" | "bare pyreqwest":
            client = name.removeprefix("bare ")
            if importlib.util.find_spec(client) is None:
                raise Missing(f"{client} is not installed: `pip install {client}`")
            where = f"http://127.0.0.1:{upstream}{wire.PATH}"
            options = ("--client", client, "--port", str(port), "--upstream", where)
            return Launch((sys.executable, "-m", "bench.proxy", *options))
        case "seatrial" | "no records" | "no checks":
            if seatrial.template == SEATRIAL_COMMAND:
                require_seatrial("seatrial.cli.serve")
            config = seatrial.write_config(folder, port=port, upstream=upstream)
            if name == NO_CHECKS:
                config.write_text(config.read_text() + CHECKS_OFF)
            template = seatrial.template_off if name == NO_RECORDS else seatrial.template
            command = _words(template, config, port)
            return Launch(command, probe="/livez", prepare=seatrial.prepare_words(config))
    raise ValueError(f"unknown contender {name!r}")


def _words(template: str, config: Path, port: int) -> tuple[str, ...]:
    known = {
        "python": sys.executable,
        "bin": str(Path(sys.executable).parent),
        "config": str(config),
        "port": str(port),
    }
    return tuple(word.format(**known) for word in shlex.split(template))


def require_seatrial(part: str = "seatrial.app") -> None:
    """Raise Missing when a part of the package is not there."""
    if _absent(part):
        raise Missing(f"{part} is not there")


def _absent(module: str) -> bool:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return True
    return spec is None or spec.origin is None  # a bare folder is not a package yet
