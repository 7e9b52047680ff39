"""What is the same for all commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.cli.commands import COMMANDS
from tests.doors.cli.conftest import Run

ALONE = [name for name in COMMANDS if name not in {"records", "checks", "budget", "config", "keys"}]
INSIDE = [
    "records list", "records search", "records show", "checks run", "budget show", "budget set",
    "config show", "config schema", "keys create", "keys list", "keys revoke",
]  # fmt: skip


def test_help_lists_every_command(run: Run) -> None:
    """`seatrial --help` names all commands, each with a whole line on what it does."""
    shown = run("--help")

    assert 0 == shown.code
    for name, (_, line) in COMMANDS.items():
        assert f"{name:<9}{line}\n" in shown.out


def test_without_a_command_help_is_shown(run: Run) -> None:
    """`seatrial` alone is no error that leaves one alone."""
    assert "First steps:" in run().out + run().err


@pytest.mark.parametrize("command", ALONE + INSIDE)
def test_every_command_has_an_example_and_json(run: Run, command: str) -> None:
    """`--help` of each command shows how it is called, and that it can speak JSON."""
    shown = run(*command.split(), "--help")

    assert 0 == shown.code
    assert f"Example:\n    seatrial {command}" in shown.out
    assert "--json" in shown.out


def loaded_by(*arguments: str) -> list[str]:
    """Run a fresh command line; list our commands and the heavy libraries that it loaded."""
    program = (
        "import sys\n"
        "from seatrial.cli.commands import COMMANDS, build\n"
        f"build()({list(arguments)}, standalone_mode=False)\n"
        "heavy = 'rich sqlalchemy pydantic uvicorn'.split()\n"
        "ours = [f'seatrial.cli.{module}' for module, _ in COMMANDS.values()]\n"
        "print('loaded:', *(each for each in heavy + ours if each in sys.modules))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return shown.stdout.splitlines()[-1].removeprefix("loaded:").split()


def test_only_the_chosen_command_is_loaded() -> None:
    """The help of all commands loads none of them; a command loads its own module."""
    assert [] == loaded_by("--help")
    assert ["pydantic", "seatrial.cli.config"] == loaded_by("config", "schema")


def test_unknown_command_is_misuse(run: Run) -> None:
    """A slip in a command's name exits with 2 and names the nearest one."""
    slip = run("serv")

    assert 2 == slip.code
    assert "serve" in slip.err


def test_version(run: Run) -> None:
    """`--version` says name and version."""
    assert run("--version").out.startswith("seatrial 0.")


def test_missing_file_says_what_to_do(run: Run, tmp_path: Path) -> None:
    """Without a configuration the way to a first one is told; it is a failure, not misuse."""
    failed = run("records", "list", "-c", tmp_path / "seatrial.toml")

    assert 1 == failed.code
    assert "" == failed.out
    assert "seatrial init" in failed.err


def test_error_in_json(run: Run, service: Path) -> None:
    """With `--json` an error is JSON on the output, its code for programs."""
    failed = run("ask", "nothing", "Hi", "--json")

    assert 2 == failed.code
    assert "model_not_found" == failed.json["error"]["code"]
    assert "There are: support." == failed.json["error"]["why"]


def test_config_may_be_a_folder_or_come_from_the_environment(
    run: Run,
    service: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """`-c FOLDER` means its seatrial.toml, and SEATRIAL_CONFIG stands in for `-c`."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert 0 == run("check", "-c", service).code
    assert 1 == run("check").code
    monkeypatch.setenv("SEATRIAL_CONFIG", str(service))
    assert 0 == run("check").code


def test_no_colour_without_a_terminal(run: Run, service: Path) -> None:
    """What goes to a file holds no escape signs."""
    everything = [run("check"), run("ask", "support", "Hi"), run("records", "list")]

    assert [] == [ran for ran in everything if "\x1b" in ran.out + ran.err]
