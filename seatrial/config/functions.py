"""Python functions named by `module:function`: found, or the reason in plain words.

Modules are read once per process, as Python does: a change of their code takes effect at
the next start, not at a reload.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from seatrial.config.secrets import Fault, conceal
from seatrial.config.wording import nearest, shown
from seatrial.deployment.releases import normalise_source


def find_function(call: str, folder: Path) -> Callable[..., Any] | Fault:
    """Return the function that `call` names, or why it cannot be had.

    Args:
        call: `module:function`, such as `shop.answers:from_rules`.
        folder: of the configuration file; modules are looked for there first.
    """
    if not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", call):
        hint = "It looks like shop.answers:from_rules."
        if re.fullmatch(r"[\w.]+\.\w+", call) and not call.endswith(".py"):
            hint = f'Write "{":".join(call.rsplit(".", 1))}".'
        return Fault(f"should be module:function, not {shown(call)}.", hint)
    name, _, attribute = call.partition(":")
    module = _import(name, folder)
    if isinstance(module, Fault):
        return module
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = nearest(part, (each for each in dir(found) if not each.startswith("_")))
            hint = f"Did you mean {near}?" if near else f"Look into {_place(module)}."
            return Fault(f"{name} has no {part}.", hint)
        found = getattr(found, part)
    if isinstance(found, type) or not callable(found):
        kind = "a class" if isinstance(found, type) else f"of type {type(found).__name__}"
        return Fault(f"{call} is {kind}, not a function.", "Name a function that answers.")
    function: Callable[..., Any] = found
    return function


def source_of(function: Callable[..., Any]) -> str:
    """Return a function's normalised source; its name where Python keeps no source.

    Source: what counts as a change is said at `deployment.releases.normalise_source`.
    """
    try:
        return normalise_source(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError):
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return f"{getattr(function, '__module__', '')}:{name}"


def _import(name: str, folder: Path) -> ModuleType | Fault:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            hint = "Modules are looked for there and among the installed packages."
            return Fault(f"there is no module {error.name} in {folder}.", hint)
        return _raised(name, error)
    # The user's own code runs here, and may raise whatever it likes.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return _raised(name, error)


def _raised(name: str, error: BaseException) -> Fault:
    """Say where the user's module failed, in one line."""
    if isinstance(error, SyntaxError):
        place = f"{Path(error.filename or name).name}, line {error.lineno}"
        said = error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "importlib" not in frame.filename]
        place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else name
        said = (str(error).strip().splitlines() or [""])[0]
    text = conceal(said)[:200]
    hint = f"Try: python -c 'import {name}'"
    if isinstance(error, ModuleNotFoundError):
        hint = f"Install {error.name} beside Seatrial."
    return Fault(f"{name} raised {type(error).__name__} ({place}): {text}", hint)


def _place(module: ModuleType) -> str:
    return Path(getattr(module, "__file__", None) or module.__name__).name
