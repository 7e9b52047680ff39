"""What becomes of an answer: it leaves, it leaves and is looked at, or a person comes first.

No certificate, no confidence: nothing leaves by itself.  Whatever is decided carries the
probability with which a person was to see the answer; without it live accuracy cannot be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seatrial.oversight.settings import Mode
from seatrial.values.oversight import Advice

FLOOR: Final = 0.005  # every answer has at least this chance of being seen
UNIFORM: Final = 0.2  # part of the chances that does not look at the confidence
FEWER: Final = 0.2  # of the spot checks that are left in `exceptions`
USUAL_DOUBT: Final = 0.3  # of an answer that is right with nine chances in ten

Coin = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when an answer is ready.

    Args:
        mode: where the ladder stands.
        threshold: confidence from which on answers may leave, as certified and tightened since;
            None without a certificate.
        confidence: of this answer; None when it could not be told.
        rate: share of the answers sent that people see afterwards.
        blind_share: of the reviews in which the draft is hidden at first.
        must: why a person must see it whatever the confidence, one sentence; empty when nothing
            demands it.
        usual_doubt: the mean of `doubt` over the answers sent lately.
    """

    mode: Mode
    threshold: float | None
    confidence: float | None
    rate: float = 0.05
    blind_share: float = 0.1
    must: str = ""
    usual_doubt: float = USUAL_DOUBT


def decide(situation: Situation, coin: Coin) -> Advice:
    """Return what shall become of an answer.

    Args:
        situation: all that is known.
        coin: draws from [0, 1); whether a person sees an answer that leaves, and whether blindly.
    """
    mode, confidence = situation.mode.value, situation.confidence
    why, reason = why_not(situation)
    if why or confidence is None:
        blind = coin() < situation.blind_share
        return Advice(True, why, confidence, mode, 1.0, True, blind, reason)
    rate = situation.rate * (FEWER if situation.mode is Mode.EXCEPTIONS else 1.0)
    share = label_share(confidence, rate=rate, usual_doubt=situation.usual_doubt)
    if coin() >= share:
        return Advice(False, "", confidence, mode, share)
    blind = coin() < situation.blind_share
    reason = "The answer has left: it was picked as one of a sample."
    return Advice(False, "spot_check", confidence, mode, share, True, blind, reason)


def why_not(situation: Situation) -> tuple[str, str]:
    """Return why a person must come first: a stable code and a sentence; empty when none need to.

    The codes are `check`, `review_all`, `not_certified` and `unsure`.
    """
    threshold, confidence = situation.threshold, situation.confidence
    if situation.must:
        return "check", situation.must
    if situation.mode is Mode.REVIEW_ALL:
        return "review_all", "A person sees every answer before it leaves."
    if threshold is None:
        return "not_certified", "Nothing proves yet which answers may leave without a person."
    if confidence is None:
        return "unsure", "How sure the answer is could not be told."
    if not confidence >= threshold:  # NaN is not sure
        return "unsure", f"The answer is sure to {confidence:.1%}; {threshold:.1%} is needed."
    return "", ""


def would_leave(confidence: float | None, threshold: float | None) -> bool:
    """Whether an answer would leave without a person where the ladder lets it.

    What people say of such answers is what moves the ladder up.
    """
    return threshold is not None and confidence is not None and confidence >= threshold


def doubt(confidence: float) -> float:
    """Return how much people's word on an answer teaches: the spread of being right or wrong.

    >>> doubt(0.5), doubt(1.0)
    (0.5, 0.0)
    """
    return math.sqrt(max(0.0, confidence * (1.0 - confidence)))


def label_share(confidence: float, *, rate: float, usual_doubt: float = USUAL_DOUBT) -> float:
    """Return the chance with which a person sees an answer: more where it teaches more.

    Args:
        confidence: in [0, 1].
        rate: share of the answers that people see in all.
        usual_doubt: the mean of `doubt` over these answers, above 0; when it is off, so is the
            share of all, and nothing else.

    >>> label_share(0.9, rate=0.05, usual_doubt=0.3)
    0.05
    """
    part = UNIFORM + (1.0 - UNIFORM) * doubt(confidence) / max(usual_doubt, 1e-6)
    return min(1.0, max(FLOOR, round(rate * part, 6)))
