"""Examples in docstrings run, and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import seatrial

# The doors need a server or a terminal; their examples are in the docs, which run too.
DOORS = ("cli", "console", "gateway", "__main__")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(seatrial.__path__, "seatrial.", onerror=lambda _: None)
    if module.name.split(".")[1] not in DOORS and "migrations" not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    """Every example of the module prints what stands below it."""
    module = importlib.import_module(name)

    assert 0 == doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed
