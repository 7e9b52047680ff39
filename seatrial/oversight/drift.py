"""When answers get worse than the certificate says: three alarms, in order of speed.

Free labels warn: people answer what was held anyway, so unused drafts are graded for nothing.
Spot checks on answers that left take autonomy back.  And meanwhile each wrong one among them
tightens the threshold, and each right one loosens it, never below the certified one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from seatrial.oversight.confidence import logit
from seatrial.oversight.decide import UNIFORM
from seatrial.stats import drift
from seatrial.stats.drift import CUSUM, FREE, Detector

ALARM: Final = 2_000.0  # labels between false alarms, at least
ALERT_REQUESTS: Final = 4_000  # that a warning lasts
ALERT_RATE: Final = 0.5  # of spot checks meanwhile
TIGHTEN: Final = 0.03  # log-odds per request, for each wrong answer more than allowed
FACTORS: Final = (1.5, 2.0, 3.0, 5.0)  # on the odds of a wrong one, as in `stats.drift.cusum`
_CERTAIN: Final = 0.9  # of all that a bet may lose at once


@dataclass(frozen=True, slots=True)
class Watch:
    """What the alarms of one segment know.

    Args:
        free: the detector on free labels.
        spot: the detector on spot checks.
        tightened: log-odds that the threshold stands above the certified one, at least 0.
        alert: requests that are left of the last warning.
        free_labels, spot_labels: seen so far.
    """

    free: Detector = FREE
    spot: Detector = CUSUM
    tightened: float = 0.0
    alert: int = 0
    free_labels: int = 0
    spot_labels: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What an alarm has to say.

    Args:
        kind: `warning`, after which more is looked at, or `alarm`, after which all is.
        labels: after how many of its kind.
        sentence: for people.
    """

    kind: str
    labels: int
    sentence: str


def free_label(watch: Watch, *, wrong: bool, confidence: float) -> tuple[Watch, News | None]:
    """Return the watch after people ruled on an answer that was held.

    Args:
        watch: before.
        wrong: whether the draft was.
        confidence: of the draft, in [0, 1].
    """
    state = drift.free(watch.free, drift.residual(wrong, 1.0 - confidence))
    seen = watch.free_labels + 1
    if drift.value(state) <= ALARM:
        return replace(watch, free=state, free_labels=seen), None
    sentence = (
        "Drafts that people see are wrong more often than their confidence says, after "
        f"{seen:,} of them: half of what leaves is looked at for {ALERT_REQUESTS:,} requests."
    )
    after = replace(watch, free=FREE, free_labels=0, alert=ALERT_REQUESTS)
    return after, News("warning", seen, sentence)


def spot_label(
    watch: Watch, *, wrong: bool, share: float, rate: float, limit: float
) -> tuple[Watch, News | None]:
    """Return the watch after people looked at an answer that had left.

    Args:
        watch: before.
        wrong: whether it was.
        share: the probability with which it was picked, in (0, 1].
        rate: share of all that leaves that is picked now; with `share` it says how much more
            often such answers are picked than others.
        limit: share of wrong answers that is allowed.
    """
    state = weighted_cusum(watch.spot, wrong=wrong, null=limit, weight=rate / share)
    seen = watch.spot_labels + 1
    tightened = max(0.0, watch.tightened + TIGHTEN / share * (wrong - limit))
    after = replace(watch, spot=state, spot_labels=seen, tightened=tightened)
    if drift.value(state) <= ALARM:
        return after, None
    sentence = (
        f"More than {100 * limit:.3g} % of the answers that left were wrong, by {seen:,} spot "
        "checks: people see all of them again until fresh labels prove otherwise."
    )
    return replace(after, spot=CUSUM, spot_labels=0), News("alarm", seen, sentence)


def weighted_cusum(state: Detector, *, wrong: bool, null: float, weight: float) -> Detector:
    """Return the detector after a label that was likelier, or less likely, than others.

    With a weight of 1 it is `stats.drift.cusum`; else it bets so much more or less, which is
    what makes the mean right again when unsure answers are picked more often.

    Args:
        state: `CUSUM` at first.
        wrong: what the label says.
        null: the largest rate that is no drift, in (0, 1).
        weight: mean chance of being picked over its own, above 0, `1 / UNIFORM` at most counts.
    """
    counted = min(weight, 1.0 / UNIFORM)
    most = _CERTAIN * UNIFORM / null
    bets = [min((f - 1.0) / (1.0 + null * (f - 1.0)), most) for f in FACTORS]
    return Detector(
        tuple(
            max(log_m, 0.0) + math.log1p(bet * counted * (wrong - null))
            for log_m, bet in zip(state.log_m, bets, strict=True)
        )
    )


def passed(watch: Watch, requests: int = 1) -> Watch:
    """Return the watch after so many requests."""
    return replace(watch, alert=max(0, watch.alert - requests)) if watch.alert else watch


def spot_rate(watch: Watch, usual: float) -> float:
    """Return the share of what leaves that people look at now."""
    return max(usual, ALERT_RATE) if watch.alert else usual


def threshold_now(watch: Watch, certified: float) -> float:
    """Return the threshold in force: the certified one, or above it.

    >>> round(threshold_now(Watch(tightened=1.0), 0.9), 4)
    0.9607
    """
    if not watch.tightened:
        return certified
    return 1.0 / (1.0 + math.exp(-(logit(certified) + watch.tightened)))
