"""The table of faults, and how a request names them: `fault:cut@3+http-503?retry_after=2`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seatrial.errors import Misuse
from seatrial.testing.upstream import (
    _bodies as bodies,
)
from seatrial.testing.upstream import (
    _contents as contents,
)
from seatrial.testing.upstream import (
    _refusing as refusing,
)
from seatrial.testing.upstream import (
    _streams as streams,
)
from seatrial.testing.upstream import (
    _waiting as waiting,
)
from seatrial.testing.upstream._plan import Fault, Param

PREFIX: Final = "fault:"

FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault
    for fault in (
        *refusing.FAULTS,
        *waiting.FAULTS,
        *bodies.FAULTS,
        *contents.FAULTS,
        *streams.FAULTS,
    )
}


class UnknownFault(Misuse):
    """No fault, or no parameter of a fault, of that name."""

    code = "unknown_fault"


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault with the values of all its parameters."""

    fault: Fault
    params: Mapping[str, Param]

    def __str__(self) -> str:
        given = {name: value for name, value in self.params.items() if self._differs(name)}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return self.fault.name + (f"?{query}" if query else "")

    def _differs(self, name: str) -> bool:
        return self.params[name] != self.fault.defaults.get(name)


def strike_of(name: str, params: Mapping[str, Param] | None = None) -> Strike:
    """Give a fault with parameters; what is not given takes its default.

    Raises:
        UnknownFault: with the nearest known name.
    """
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFault(f"There is no fault {name!r}.", fix=_nearest(name, FAULTS))
    given = dict(params or {})
    for key in given:
        if key not in fault.defaults:
            raise UnknownFault(
                f"The fault {name!r} has no parameter {key!r}.",
                fix=_nearest(key, fault.defaults) or "It has no parameters.",
            )
    return Strike(
        fault,
        {
            **fault.defaults,
            **{key: _like(fault.defaults[key], value) for key, value in given.items()},
        },
    )


def strikes_in(model: str) -> tuple[Strike, ...]:
    """Read the faults that a model's name asks for; none where it asks for none.

    >>> [str(strike) for strike in strikes_in("fault:latency-step?p50_s=0.2+cut@5")]
    ['latency-step?p50_s=0.2', 'cut?at=5']

    Raises:
        UnknownFault: for a name or parameter that does not exist.
    """
    if not model.startswith(PREFIX):
        return ()
    return tuple(_read(part) for part in model.removeprefix(PREFIX).split("+"))


def _read(text: str) -> Strike:
    front, _, query = text.partition("?")
    name, _, at = front.partition("@")
    params: dict[str, Param] = {"at": at} if at else {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        params[key] = value
    return strike_of(name, params)


def _like(default: Param, value: Param) -> Param:
    """Give the value the type of its default, so that a wrong one fails here and not mid-reply."""
    if not isinstance(default, int | float):
        return str(value)
    try:
        number = float(value)
    except ValueError as problem:
        raise UnknownFault(f"{value!r} should be a number.", fix=f"Such as {default}.") from problem
    return int(number) if number.is_integer() else number


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(known)}." if known else ""
