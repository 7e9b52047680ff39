"""The locks: every file pinned by its hash, no address, nothing stale."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN_TIME = PROJECT["project"]["dependencies"]
DEV = [
    *RUN_TIME,
    *PROJECT["dependency-groups"]["dev"],
    *(each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra),
]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(lock: str) -> list[str]:
    """Read a lock file: one string per distribution, continuation lines joined."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: str) -> dict[str, str]:
    """Read the version that a lock gives to each name."""
    requirements = (Requirement(entry.split("--hash")[0]) for entry in entries(lock))
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in requirements
    }


CLIENTS = (ROOT / "tests/clients/requirements.in").read_text().splitlines()[1:]


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-dev.lock", "requirements-clients.lock"]
)
def test_lock_has_versions_and_hashes_and_no_address(lock: str) -> None:
    """Each entry is `name==version`, a marker at most, and hashes; nothing names a place."""
    assert "://" not in (ROOT / lock).read_text()
    for entry in entries(lock):
        assert re.match(r"[a-z0-9.-]+==\S+ ", entry), entry
        assert HASH.search(entry), entry
        assert " -" not in HASH.sub("", entry).split(";")[0].rstrip(), entry


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", RUN_TIME),
        ("requirements-dev.lock", DEV),
        ("requirements-clients.lock", CLIENTS),
    ],
)
def test_lock_fits_the_project(lock: str, wanted: list[str]) -> None:
    """What pyproject.toml asks for is locked, at a version that it allows."""
    locked = pins(lock)
    for requirement in map(Requirement, wanted):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement}, locked {version}"


def test_dev_lock_agrees_with_the_run_time_lock() -> None:
    """Tests run on the versions that users get."""
    dev = pins("requirements-dev.lock")

    assert {} == {
        name: (version, dev.get(name))
        for name, version in pins("requirements.lock").items()
        if dev.get(name) != version
    }


def test_clients_from_node_are_pinned_and_name_no_place() -> None:
    """Versions and hashes; where a package comes from, each machine knows by itself."""
    lock = json.loads((ROOT / "tests/clients/package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}

    assert packages
    for name, each in packages.items():
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name
