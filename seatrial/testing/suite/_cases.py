"""What the suite asks: every fault, in every dialect and form it can be shown in.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from seatrial.testing.upstream._faults import FAULTS, Strike, strike_of
from seatrial.testing.upstream._plan import ANTHROPIC, OPENAI, STREAMED, WHOLE, Expect, Param

# Beyond the defaults: forms of a fault that a gateway may treat in another way.
MORE: Final[dict[str, tuple[dict[str, Param], ...]]] = {
    "overloaded": ({"code": 503, "retry_after": "date:3"}, {"retry_after": "garbage"}),
    "http-429": (
        {"retry_after": "ms:1500"},
        {"retry_after": "negative"},
        {"retry_after": "3600"},
        {"retry_after": ""},
    ),
    "key-revoked": ({"code": 403},),
    "model-retired": ({"code": 410},),
    "bad-request": ({"form": "overloaded"}, {"form": "server"}),
    "content-filter": ({"at": 4},),
    "html-error": ({"code": 520},),
    "redirect": ({"to": "metadata"}, {"to": "scheme"}, {"to": "self"}),
    "cut": ({"at": 0}, {"at": 20}),
    "cut-clean": ({"at": 0}, {"at": 20}),
    "reset": ({"at": 0}, {"at": 20}),
    "stall": ({"at": 0},),
    "broken-event": ({"then": "ends"}, {"at": 0}),
    "error-event": ({"code": 429},),
    "no-finish": (),
}
# A break before the first token is to be healed, not only told.
BEFORE_TOKEN: Final = frozenset({"cut", "cut-clean", "reset", "stall"})


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one dialect, streamed or whole.

    Args:
        name: unique; also the feature's name that a gateway under test gives to it.
        strike: the fault with its parameters.
        dialect: of the primary that has the fault.
        streamed: whether the caller asks for a stream.
        expect: what a caller behind two targets must see.
    """

    name: str
    strike: Strike
    dialect: str
    streamed: bool
    expect: Expect

    @property
    def model(self) -> str:
        """Give the model's name with which the faulty upstream shows this fault."""
        return f"fault:{self.strike}"

    @property
    def feature(self) -> str:
        """Give the name of the feature whose primary has the fault."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Target:
    """A feature that a gateway under test must have, and the primary of its route.

    Args:
        feature: its name.
        dialect: of the primary; the fallback speaks the same or another.
        model: of the primary.
        at: which upstream the primary is: `primary`, or `refusing` for the one that closes.
    """

    feature: str
    dialect: str
    model: str
    at: str = "primary"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases to run.

    Args:
        only: faults by name; empty for all.
        dialects: `openai`, `anthropic` or both.
        classes: classes by name; empty for all.
        every: 1 runs all of them, 4 each fourth.
    """

    only: Sequence[str] = ()
    dialects: Sequence[str] = (OPENAI, ANTHROPIC)
    classes: Sequence[str] = ()
    every: int = 1


def cases(selection: Selection) -> list[Case]:
    """Give the selected cases; faults of the class `dynamics` have trials of their own."""
    found = [case for case in _all() if _is_meant(case, selection)]
    # Neighbours differ in one thing only: a slice in their order would see one side of it.
    Random(selection.every).shuffle(found)
    return found[:: selection.every]


def targets(chosen: Sequence[Case]) -> list[Target]:
    """Give the features that these cases need: one each, so that no case spoils another."""
    return [Target(case.feature, case.dialect, case.model) for case in chosen]


def _is_meant(case: Case, selection: Selection) -> bool:
    return (
        (not selection.only or case.strike.fault.name in selection.only)
        and case.dialect in selection.dialects
        and (not selection.classes or case.expect.value in selection.classes)
    )


def _all() -> Iterator[Case]:
    for fault in FAULTS.values():
        if fault.expect is Expect.DYNAMICS or fault.name == "refuse":
            continue  # `refuse` closes the port for every case: it has a trial of its own
        for number, params in enumerate(({}, *MORE.get(fault.name, ()))):
            strike = strike_of(fault.name, params)
            for dialect in (OPENAI, ANTHROPIC):
                for mode in (STREAMED, WHOLE):
                    if dialect in fault.dialects and mode in fault.modes:
                        place = f"{dialect}.{fault.name}" + (f".{number}" if number else "")
                        yield Case(
                            f"{place}.{mode}", strike, dialect, mode == STREAMED, _expect(strike)
                        )


def _expect(strike: Strike) -> Expect:
    if strike.fault.name in BEFORE_TOKEN and strike.params.get("at") == 0:
        return Expect.ANSWER
    return strike.fault.expect
