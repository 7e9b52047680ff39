"""What an operator may set about confidence, oversight and the queues of people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from seatrial.errors import ConfigError, Problem

DEFAULT_LIMIT: Final = 0.05  # of wrong answers, where no `error_rate` is required
FEWEST_ANSWERS: Final = 2
MOST_ANSWERS: Final = 9  # compared for one agreement; each is a call of its own
MOST_SIGNALS: Final = 8


class Mode(Enum):
    """Oversight, the strictest first.  The values are stable: records hold them."""

    REVIEW_ALL = "review_all"  # a person sees every answer before it leaves
    SPOT_CHECK = "spot_check"  # sure answers leave, samples of them are reviewed afterwards
    EXCEPTIONS = "exceptions"  # the same with few samples: people see what is unsure


class SignalKind(Enum):
    """Hints about correctness.  The values are stable: the file and records hold them."""

    LOGPROB = "logprob"  # how likely the model found its own tokens
    AGREEMENT = "agreement"  # how many of several answers say the same
    JUDGE = "judge"  # what another target says of the answer
    CHECKS = "checks"  # how many checks flagged the answer
    SCORE = "score"  # what a Python function says of its own answer


@dataclass(frozen=True, slots=True)
class Signal:
    """One hint about correctness that a feature asks for.

    Args:
        kind: which.
        count: of `agreement`: how many answers are compared, the given one among them.
        target: of `judge`: who judges.
    """

    kind: SignalKind
    count: int = 0
    target: str = ""

    @property
    def name(self) -> str:
        """Return it as the file has it, such as `agreement:3`."""
        detail = self.target or (str(self.count) if self.count else "")
        return f"{self.kind.value}:{detail}" if detail else self.kind.value


def parse_signal(text: str) -> Signal:
    """Return the signal that a text of the file names.

    Raises:
        ValueError: it names none; the message says what to write.

    >>> parse_signal("agreement:3").count, parse_signal("judge:small").target
    (3, 'small')
    """
    word, colon, detail = text.partition(":")
    try:
        kind = SignalKind(word)
    except ValueError:
        known = ", ".join(each.value for each in SignalKind)
        raise ValueError(f"{text!r} is no signal; known are {known}.") from None
    match kind:
        case SignalKind.AGREEMENT:
            wanted = range(FEWEST_ANSWERS, MOST_ANSWERS + 1)
            if not detail.isascii() or not detail.isdigit() or int(detail) not in wanted:
                bounds = f"{FEWEST_ANSWERS} to {MOST_ANSWERS}"
                raise ValueError(
                    f"{text!r} needs how many answers are compared, {bounds}: `agreement:3`."
                )
            return Signal(kind, count=int(detail))
        case SignalKind.JUDGE:
            if not detail:
                raise ValueError(f"{text!r} needs the target that judges: `judge:small`.")
            return Signal(kind, target=detail)
        case _:
            if colon:
                raise ValueError(f"{text!r} takes nothing after its name: write `{word}`.")
            return Signal(kind)


@dataclass(frozen=True, slots=True)
class ConfidenceSettings:
    """A section [features.NAME.confidence]: how sure an answer is.

    Args:
        signals: the hints: `logprob`, `agreement:3`, `judge:small`, `checks`, `score`.
        level: how sure a certificate's promise is, such as 0.95.
    """

    signals: tuple[str, ...] = ()
    level: float = 0.95

    def parsed(self) -> tuple[Signal, ...]:
        """Return the signals; raise ValueError for the first that is none."""
        return tuple(parse_signal(each) for each in self.signals)

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong, with paths inside the section."""
        found = _outside(self, (("level", 0.5, 0.9999),))
        if len(self.signals) > MOST_SIGNALS:
            found.append(Problem("signals", f"should be {MOST_SIGNALS} signals at most."))
        kinds: set[SignalKind] = set()
        for place, text in enumerate(self.signals):
            path = f"signals[{place}]"
            try:
                kind = parse_signal(text).kind
            except ValueError as error:
                found.append(Problem(path, str(error)))
                continue
            if kind in kinds:
                found.append(Problem(path, f"{kind.value!r} is there already."))
            kinds.add(kind)
        if kinds == {SignalKind.JUDGE}:
            found.append(Problem("signals", "a judge alone must not open anything: add another."))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Rule:
    """A table of [[features.NAME.oversight.rules]]: whose queue an item goes to.

    All that is set must hold; the first rule that holds decides.

    Args:
        queue: where the item goes.
        topic: the topic must be one of these.
        language: the language must be one of these, such as `cy`.
        below: the confidence must be below this, or unknown.
        tier: the customer's tier must be one of these.
        segment: the segment must be one of these.
    """

    queue: str
    topic: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    below: float | None = None
    tier: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong, with paths inside the table."""
        found = [] if self.queue else [Problem("queue", "is missing.")]
        if self.below is not None and not 0 < self.below <= 1:
            found.append(Problem("below", f"should be above 0 and at most 1, not {self.below}."))
        return tuple(found)

    @property
    def takes_all(self) -> bool:
        """Whether it holds for every item."""
        return self.below is None and not (self.topic or self.language or self.tier or self.segment)


@dataclass(frozen=True, slots=True)
class OversightSettings:
    """A section [features.NAME.oversight]: who sees answers, and when.

    Args:
        start: where a new release begins: `review_all`, `spot_check` or `exceptions`.
        queue: where items go that no rule names a queue for.
        rules: by topic, language, confidence, tier and segment; the first that holds decides.
        hold_s: how long a connection waits for a person once an answer is held; 0 hands off.
        deadline_s: how long an item may wait for a ruling before it escalates.
        escalate_to: the queue that takes late items; empty when there is none.
        lease_s: how long a claim lasts that is not renewed.
        reviewers: how many people rule on each item.
        blind_share: of the reviews in which the draft is hidden.
        spot_rate: share of the answers sent without a person that are reviewed afterwards.
        cycle_days: how long `spot_check` lasts at least.
        segment_by: the name in `metadata` that divides the traffic; empty for one ladder.
    """

    start: Literal["review_all", "spot_check", "exceptions"] = "review_all"
    queue: str = "reviews"
    rules: tuple[Rule, ...] = ()
    hold_s: float = 20.0
    deadline_s: float = 3_600.0
    escalate_to: str = ""
    lease_s: float = 600.0
    reviewers: int = 1
    blind_share: float = 0.1
    spot_rate: float = 0.05
    cycle_days: float = 30.0
    segment_by: str = ""

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong, with paths inside the section."""
        found = _outside(
            self,
            (
                ("hold_s", 0, 600),
                ("deadline_s", 1, 31 * 86_400),
                ("lease_s", 10, 86_400),
                ("reviewers", 1, 9),
                ("blind_share", 0, 1),
                ("spot_rate", 0.005, 1),
                ("cycle_days", 0, 366),
            ),
        )
        if self.start not in {each.value for each in Mode}:
            found.append(Problem("start", f"{self.start!r} is no way of oversight."))
        if not self.queue:
            found.append(Problem("queue", "is empty."))
        for place, rule in enumerate(self.rules):
            at = f"rules[{place}]"
            found += [Problem(f"{at}.{each.path}", each.message) for each in rule.problems()]
            if rule.takes_all and place + 1 < len(self.rules):
                found.append(Problem(at, "holds for every item: the rules after it are dead."))
        return tuple(found)


def checked(settings: ConfidenceSettings | OversightSettings | Rule, source: str) -> None:
    """Check settings that were made by hand.

    Args:
        settings: any of this module.
        source: what the error calls them.

    Raises:
        ConfigError: something is wrong; it lists everything.
    """
    if problems := settings.problems():
        raise ConfigError(source, problems)


def limit_of(error_rate: float | None) -> float:
    """Return the share of wrong answers that may leave without a person."""
    return DEFAULT_LIMIT if error_rate is None else error_rate


def _outside(settings: object, bounds: tuple[tuple[str, float, float], ...]) -> list[Problem]:
    found = []
    for name, least, most in bounds:
        value = getattr(settings, name)
        if not least <= value <= most:  # NaN as well
            found.append(Problem(name, f"should be {least:g} to {most:g}, not {value:g}."))
    return found
