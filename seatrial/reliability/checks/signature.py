"""What a decorated function may be called with, by its own type hints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, get_type_hints

import msgspec

from seatrial.values.checks import PASSED, Says, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """The parameters of a function and the types that they are annotated with."""

    signature: inspect.Signature
    types: Mapping[str, Any]

    def check(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Verdict:
        """Refuse a call whose arguments are missing, too many, or of another type."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError:
            return Verdict(
                Says.REFUSE, "wrong_arguments", "The function does not take these arguments."
            )
        for name, value in bound.arguments.items():
            if not self._fits(name, value):
                return Verdict(
                    Says.REFUSE,
                    "wrong_type",
                    f"{name} is not of the type that it is annotated with.",
                )
        return PASSED

    def _fits(self, name: str, value: object) -> bool:
        kind = self.signature.parameters[name].kind
        hint: Any = self.types.get(name, Any)
        if kind is inspect.Parameter.VAR_POSITIONAL:
            hint = GenericAlias(tuple, (hint, ...))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            hint = GenericAlias(dict, (str, hint))
        if type(value) is hint:
            return True
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError:
            return False
        except TypeError:
            return True  # a type that cannot be checked
        return True


def hints_of(function: Callable[..., Any]) -> Hints:
    """Return the type hints of a function; those that cannot be resolved are not checked."""
    try:
        types = get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        types = {}
    return Hints(inspect.signature(function), types)
