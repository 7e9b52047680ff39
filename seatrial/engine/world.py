"""Everything the engine is handed: swapping it is the whole simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from seatrial.engine.cache import AnswerCache
from seatrial.engine.gate import Gate
from seatrial.engine.granting import Grants
from seatrial.engine.health import Health
from seatrial.engine.recorder import Recorder
from seatrial.engine.similar import SimilarQuestions
from seatrial.ports import Checker, Clock, Coin, Counters, Provider
from seatrial.reliability.budgets import BudgetSettings
from seatrial.reliability.checks.duplicates import Recent
from seatrial.reliability.forecast import Thrift
from seatrial.reliability.hedging import HedgeBudget
from seatrial.reliability.limits import LimitSettings
from seatrial.reliability.settings import Plan
from seatrial.values.prices import PriceCard

LONG_CHECKS: Final = 2

OffLoop = Callable[..., Awaitable[Any]]
"""Given work and what to call it with, carries it out beside the loop."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is configured now.  Immutable, in memory, replaced whole on reload.

    Args:
        plans: by feature.
        providers: by target name; built-in targets and functions not loaded here are absent.
        keep_content: whether records hold what was asked and answered.
        checkers: the user's own checks that are loaded here, by name.
        prices: what targets cost, by target; those whose prices are unknown are absent.
        budgets: by feature; absent where nothing is bounded.
        caps: tokens that a target may write at most, by target, where its settings say so.
        limits: by feature; absent where nothing is limited.
    """

    plans: Mapping[str, Plan]
    providers: Mapping[str, Provider]
    keep_content: bool = True
    checkers: Mapping[str, Checker] = field(default_factory=dict)
    prices: Mapping[str, PriceCard] = field(default_factory=dict)
    budgets: Mapping[str, BudgetSettings] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, LimitSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """Clock, dice, memory and the recorder.

    Args:
        clock, coin, new_id: what tells time, throws dice and makes ids.
        health: of the targets.
        recorder: where records go.
        counters: where money, requests and tokens are counted.
        gate: lets requests in and out.
        grants: what providers grant.
        secret: of this installation.
        loop: on which requests are answered, when it is known: to ask for the running one is
            a system call.
        cache: the last good answers.
        similar: the questions behind them, for features that look for similar ones.
        off_loop: carries out long work beside the loop.
        few: how many long checks run at once; each holds the interpreter up for the loop.
        recent: what was asked a moment ago, for features that mind duplicates.
        thrift: who makes do with less, by feature; a job sees to it.
        hedges: how many second calls each feature may still make.
        beside: how many calls beside the answers themselves are in flight, by target.
    """

    clock: Clock
    coin: Coin
    new_id: Callable[[], str]
    health: Health
    recorder: Recorder
    counters: Counters
    gate: Gate
    grants: Grants
    secret: bytes
    loop: asyncio.AbstractEventLoop | None = None
    cache: AnswerCache = field(default_factory=AnswerCache)
    similar: SimilarQuestions = field(default_factory=SimilarQuestions)
    off_loop: OffLoop = asyncio.to_thread
    few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LONG_CHECKS))
    recent: Recent = field(default_factory=Recent)
    thrift: dict[str, Thrift] = field(default_factory=dict)
    hedges: dict[str, HedgeBudget] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
