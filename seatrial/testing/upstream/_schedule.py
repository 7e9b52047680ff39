"""Which faults strike which request: rules with windows, chances and places, and rate buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from seatrial.errors import Misuse
from seatrial.testing.upstream._faults import FAULTS, Strike, UnknownFault, strike_of, strikes_in
from seatrial.testing.upstream._plan import Ask, Param


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a schedule: this fault, then and there, so often.

    Args:
        name: of the fault.
        params: its parameters; the others take their defaults, or a draw.
        draw: let the seed choose the parameters that are not given, anew for each request.
        probability: in [0, 1].
        from_s, to_s: window since the schedule was set.
        from_request, to_request: window in requests since the schedule was set, from 0.
        path: only this path, such as `/v1/messages`; empty for all.
        model: only this model; empty for all.
        key: only this key's digest; empty for all.
    """

    name: str
    params: Mapping[str, Param] = field(default_factory=dict)
    draw: bool = False
    probability: float = 1.0
    from_s: float = 0.0
    to_s: float = math.inf
    from_request: int = 0
    to_request: float = math.inf
    path: str = ""
    model: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        strike_of(self.name, self.params)
        if not 0 <= self.probability <= 1:
            raise Misuse(f"The probability of {self.name!r} must lie in [0, 1].")

    def meets(self, ask: Ask, *, number: int, now_s: float) -> bool:
        """Whether a request falls into this rule's window and place."""
        return (
            self.from_s <= now_s < self.to_s
            and self.from_request <= number < self.to_request
            and self.path in {"", ask.path}
            and self.model in {"", ask.model}
            and self.key in {"", ask.key}
        )

    def strike(self, die: Random) -> Strike:
        """Give the fault with its parameters, drawn where the rule says so."""
        if not self.draw:
            return strike_of(self.name, self.params)
        return strike_of(self.name, {**FAULTS[self.name].drawn(die), **self.params})


def read_rules(lines: object) -> tuple[Rule, ...]:
    """Turn JSON into rules.

    Raises:
        Misuse: naming every line that is wrong.
    """
    if isinstance(lines, dict):
        lines = lines.get("faults")
    if not isinstance(lines, list):
        raise Misuse("A schedule is a list of rules, or an object with `faults`.")
    rules, problems = [], []
    for place, line in enumerate(lines):
        try:
            rules.append(Rule(**line))
        except (Misuse, TypeError, ValueError) as problem:
            problems.append(f"faults[{place}]: {problem}")
    if problems:
        raise Misuse("The schedule has problems.", why="\n".join(problems))
    return tuple(rules)


def choose(
    rules: Sequence[Rule], ask: Ask, *, number: int, now_s: float, die: Random
) -> tuple[Strike, ...]:
    """Give the faults for one request.

    The model's own name goes first.  Then the first rule that meets the request and draws true
    ends the search, unless its fault lets the exchange pass (latency, limits): more may follow.

    Raises:
        UnknownFault: when the model's name asks for a fault that does not exist.
    """
    asked = strikes_in(ask.model)
    if asked:
        return asked
    strikes = []
    for rule in rules:
        # The die is thrown for each rule met, so that one rule does not shift another's luck.
        if rule.meets(ask, number=number, now_s=now_s) and die.random() < rule.probability:
            strikes.append(rule.strike(die))
            if not strikes[-1].fault.passes:
                break
    return tuple(strikes)


class Buckets:
    """Token buckets that fill by the clock they are told."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._level: dict[str, tuple[float, float]] = {}

    def tick(self, now_s: float) -> None:
        """Set the time."""
        self._now_s = now_s

    def clear(self) -> None:
        """Forget every bucket."""
        self._level.clear()

    def take(
        self, name: str, *, amount: float, per_minute: float, burst: float
    ) -> tuple[bool, float, float]:
        """Take from a bucket that holds at most `burst` and fills at `per_minute`.

        Returns:
            Whether it held enough; what remains; seconds until it would hold enough.
        """
        level, at_s = self._level.get(name, (burst, self._now_s))
        per_s = per_minute / 60
        level = min(burst, level + (self._now_s - at_s) * per_s)
        held = level >= min(amount, burst)
        if held:
            level -= amount
        self._level[name] = (level, self._now_s)
        missing = amount - level
        wait_s = 0.0 if missing <= 0 else missing / per_s if per_s > 0 else 3600.0
        return held, level, wait_s


__all__ = ["Buckets", "Rule", "UnknownFault", "choose", "read_rules"]
