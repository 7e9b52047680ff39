"""`__all__` of every package, compared with what is there."""

import __future__

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import seatrial

PACKAGES = sorted(
    ".".join(["seatrial", *init.parent.relative_to(Path(seatrial.__file__).parent).parts])
    for init in Path(seatrial.__file__).parent.rglob("__init__.py")
)


def public_names(package: ModuleType) -> set[str]:
    """List what a reader of the package would take for public: its names and its modules."""
    own = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and name != "TYPE_CHECKING"
        and not isinstance(value, ModuleType | __future__._Feature)
        # Constants belong to no module; what another library made is not ours to list.
        and (getattr(value, "__module__", None) or "seatrial").startswith("seatrial")
    }
    # At the root the modules are the rooms of the house; its `__all__` is what users import.
    if package is seatrial:
        return own | {"__version__"}
    return own | {
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    }


def resolves(package: ModuleType, name: str) -> bool:
    """Say whether `from package import name` would work."""
    if hasattr(package, name):
        return True
    return importlib.util.find_spec(f"{package.__name__}.{name}") is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_all_lists_the_public_names(name: str) -> None:
    """What is public is in `__all__`, or its name starts with an underscore."""
    package = importlib.import_module(name)
    listed = getattr(package, "__all__", [])

    missing = sorted(public_names(package) - set(listed))
    assert [] == missing, f"write into {name}: __all__ = {sorted({*listed, *missing})}"
    assert [] == [each for each in listed if not resolves(package, each)], "listed, not there"
    assert len(listed) == len(set(listed)), "listed twice"
