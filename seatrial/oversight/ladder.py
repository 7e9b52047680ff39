"""The ladder of oversight: up by proof, down by alarm, anywhere by a person who says why.

Each step up is a bet against "so many or more of the answers that would leave are wrong"; what it
has won when people have looked is the evidence, valid however often anyone looks.  A step down
begins a new bet, and each new bet must win more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from seatrial.errors import BadRequest
from seatrial.oversight.settings import DEFAULT_LIMIT, Mode
from seatrial.stats.coin import spaced
from seatrial.stats.paired import log_e

ALTERNATIVES: Final = spaced(0.1, 0.8, 12)  # times the limit
DAY_S: Final = 86_400.0
MOST_WAITING: Final = 1_000  # blind reviews without a partner yet

NEXT: Final = {Mode.REVIEW_ALL: Mode.SPOT_CHECK, Mode.SPOT_CHECK: Mode.EXCEPTIONS}
# Each step up has a limit of its own, as a part of the required one.
STRICTER: Final = {Mode.REVIEW_ALL: 1.0, Mode.SPOT_CHECK: 0.5}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a step up asks for.

    Args:
        limit: share of wrong answers among those that leave.
        alpha: chance that a release at the limit ever leaves full review, such as 0.05.
        cycle_days: how long `spot_check` lasts at least.
    """

    limit: float = DEFAULT_LIMIT
    alpha: float = 0.05
    cycle_days: float = 30.0


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet against "at least so many are wrong", on several rates at once.

    Args:
        reviews, wrong: so far.
        log_m: logarithm of what each rate has won.
    """

    reviews: int = 0
    wrong: int = 0
    log_m: tuple[float, ...] = (0.0,) * len(ALTERNATIVES)

    @property
    def log_e(self) -> float:
        """Return the logarithm of what all of them have won on average."""
        top = max(self.log_m)
        return top + math.log(sum(math.exp(each - top) for each in self.log_m) / len(self.log_m))

    def review(self, wrong: bool, *, limit: float, weight: float = 1.0) -> Bet:
        """Return the bet after one more review.

        Args:
            wrong: what people say.
            limit: the share that the bet is against.
            weight: of a review that was likelier to be made than others, in (0, 1]: the chance
                of the rarest over its own.  With 1 each time, the winnings are the plain
                likelihood ratios.
        """
        return Bet(
            self.reviews + 1,
            self.wrong + wrong,
            tuple(
                log_m + math.log1p(weight * _gain(wrong, limit, factor))
                for log_m, factor in zip(self.log_m, ALTERNATIVES, strict=True)
            ),
        )


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where one segment of a release stands.

    Args:
        mode: see there.
        since: when it came there, wall clock, seconds.
        attempt: 1, and one more with each step down.
        all, blind: the bets on all reviews and on blind ones alone.
        waiting: blind reviews without a partner yet, each wrong or not.
        blind_only, seen_only: pairs of a blind and a seen review in which the draft was wrong
            for the one alone.
    """

    mode: Mode = Mode.REVIEW_ALL
    since: float = 0.0
    attempt: int = 1
    all: Bet = Bet()
    blind: Bet = Bet()
    waiting: tuple[bool, ...] = ()
    blind_only: int = 0
    seen_only: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One step, with what it rests on.

    Args:
        before, after: the modes.
        at: wall clock, seconds.
        by: a person, or `evidence`.
        reason: one sentence.
        evidence: the figures.
        forced: whether a person moved it.
        not_proved: what the evidence did not show; empty when it did.
    """

    before: Mode
    after: Mode
    at: float
    by: str
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    forced: bool = False
    not_proved: str = ""


def review(
    ladder: Ladder, *, wrong: bool, blind: bool, at: float, rules: Rules, weight: float = 1.0
) -> tuple[Ladder, Move | None]:
    """Return the ladder after a review of an answer that leaves, or would; and a step up.

    Args:
        ladder: before.
        wrong: what people say.
        blind: whether the draft was hidden at first.
        at: wall clock, seconds.
        rules: what a step up asks for.
        weight: see `Bet.review`.
    """
    if ladder.mode not in NEXT:
        return ladder, None
    limit = limit_at(ladder, rules)
    after = replace(
        _paired(ladder, wrong=wrong, blind=blind),
        all=ladder.all.review(wrong, limit=limit, weight=weight),
        blind=ladder.blind.review(wrong, limit=limit, weight=weight) if blind else ladder.blind,
    )
    return climb(after, at=at, rules=rules)


def climb(ladder: Ladder, *, at: float, rules: Rules) -> tuple[Ladder, Move | None]:
    """Return the ladder a step up, if enough is proved and it has stood there long enough."""
    if ladder.mode not in NEXT or counted(ladder, rules).log_e < math.log(bar(ladder, rules)):
        return ladder, None
    cycle_s = rules.cycle_days * DAY_S if ladder.mode is Mode.SPOT_CHECK else 0.0
    if at < ladder.since + cycle_s:
        return ladder, None
    after = NEXT[ladder.mode]
    bet = counted(ladder, rules)
    reason = (
        f"Fewer than {100 * limit_at(ladder, rules):.3g} % of the answers that would leave are "
        f"wrong: {bet.wrong} of {bet.reviews:,} reviewed{' blindly' if bet is ladder.blind else ''}"
        f", an e-value of {_e(bet)} where {bar(ladder, rules):.0f} is enough."
    )
    move = Move(ladder.mode, after, at, "evidence", reason, figures(ladder, rules))
    return Ladder(after, at, ladder.attempt), move


def demote(ladder: Ladder, *, at: float, reason: str) -> tuple[Ladder, Move | None]:
    """Return the ladder at full review, with a new bet; no step when it stands there already."""
    fresh = Ladder(Mode.REVIEW_ALL, at, ladder.attempt + 1)
    if ladder.mode is Mode.REVIEW_ALL:
        return ladder, None
    return fresh, Move(ladder.mode, Mode.REVIEW_ALL, at, "evidence", reason)


def force(
    ladder: Ladder, to: Mode, *, by: str, reason: str, at: float, rules: Rules
) -> tuple[Ladder, Move]:
    """Return the ladder where a person wants it, and a step that says what was not proved.

    Args:
        ladder: before.
        to: where.
        by: who.
        reason: why, in their words.
        at: wall clock, seconds.
        rules: what a step up asks for.

    Raises:
        BadRequest: no reason is given, nobody is named, or it stands there already.
    """
    if not by or not reason.strip():
        raise BadRequest(
            "Moving oversight by hand needs a name and a reason.",
            why="The step stays in the record for ever.",
            fix="Say why in one sentence.",
            param="reason",
        )
    if to is ladder.mode:
        raise BadRequest(
            f"Oversight is at {to.value!r} already.", fix="Nothing is to do.", param="to"
        )
    steps = list(Mode)
    up = steps.index(to) > steps.index(ladder.mode)
    fresh = Ladder(to, at, ladder.attempt + (not up))
    unproved = _not_proved(ladder, to, rules) if up else ""
    evidence = figures(ladder, rules)
    return fresh, Move(ladder.mode, to, at, by, reason.strip(), evidence, True, unproved)


def bar(ladder: Ladder, rules: Rules) -> float:
    """Return the e-value that is enough: 20, and more for each new bet after a step down.

    All bets after steps down together are mistaken with the chance `alpha`, like the first.

    >>> round(bar(Ladder(), Rules()), 6), round(bar(Ladder(attempt=2), Rules()), 1)
    (20.0, 32.9)
    """
    again = ladder.attempt - 1
    part = 6.0 / (math.pi * again) ** 2 if again else 1.0
    return 1.0 / (rules.alpha * part)


def limit_at(ladder: Ladder, rules: Rules) -> float:
    """Return the share of wrong answers that the bet is against."""
    return rules.limit * STRICTER.get(ladder.mode, 1.0)


def is_anchored(ladder: Ladder, rules: Rules) -> bool:
    """Whether people agree more often with drafts that they see than with hidden ones, or less."""
    return log_e(ladder.blind_only, ladder.seen_only) >= math.log(1.0 / rules.alpha)


def counted(ladder: Ladder, rules: Rules) -> Bet:
    """Return the bet that counts: on blind reviews alone where seeing the draft sways people."""
    return ladder.blind if is_anchored(ladder, rules) else ladder.all


def figures(ladder: Ladder, rules: Rules) -> dict[str, float]:
    """Return the numbers behind where it stands, as a move keeps them."""
    bet = counted(ladder, rules)
    return {
        "log_e": round(bet.log_e, 6),
        "bar": round(bar(ladder, rules), 3),
        "limit": limit_at(ladder, rules),
        "reviews": bet.reviews,
        "wrong": bet.wrong,
        "attempt": ladder.attempt,
        "blind_reviews": ladder.blind.reviews,
        "blind_wrong": ladder.blind.wrong,
        "blind_only": ladder.blind_only,
        "seen_only": ladder.seen_only,
    }


def sentence(ladder: Ladder, rules: Rules) -> str:
    """Return where it stands, in one sentence."""
    if ladder.mode not in NEXT:
        return "People see what is unsure, and few samples of the rest."
    bet, limit = counted(ladder, rules), 100 * limit_at(ladder, rules)
    return (
        f"{bet.wrong} of {bet.reviews:,} reviewed answers were wrong: the e-value against "
        f'"{limit:.3g} % or more" is {_e(bet)}, and {bar(ladder, rules):.0f} leads to '
        f"{NEXT[ladder.mode].value!r}."
    )


def _gain(wrong: bool, limit: float, factor: float) -> float:
    """Return what a bet on `factor` times the limit wins or loses: likelihood ratio less 1."""
    rate = limit * factor
    return (rate / limit if wrong else (1.0 - rate) / (1.0 - limit)) - 1.0


def _paired(ladder: Ladder, *, wrong: bool, blind: bool) -> Ladder:
    """Return the ladder with a seen review beside the blind one that waited longest."""
    if blind:
        return replace(ladder, waiting=(*ladder.waiting, wrong)[-MOST_WAITING:])
    if not ladder.waiting:
        return ladder
    hidden = ladder.waiting[0]
    return replace(
        ladder,
        waiting=ladder.waiting[1:],
        blind_only=ladder.blind_only + (hidden and not wrong),
        seen_only=ladder.seen_only + (wrong and not hidden),
    )


def _not_proved(ladder: Ladder, to: Mode, rules: Rules) -> str:
    bet = counted(ladder, rules)
    strictest = rules.limit * (STRICTER[Mode.SPOT_CHECK] if to is Mode.EXCEPTIONS else 1.0)
    return (
        f"That fewer than {100 * strictest:.3g} % of the answers that leave are wrong: {bet.wrong} "
        f"of {bet.reviews:,} reviewed were, an e-value of {_e(bet)} where "
        f"{bar(ladder, rules):.0f} is enough for each step."
    )


def _e(bet: Bet) -> str:
    return f"{math.exp(bet.log_e):,.3g}" if bet.log_e < 16 else f"10^{bet.log_e / math.log(10):.0f}"
