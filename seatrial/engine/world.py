"""Everything the engine is handed: swapping it is the whole simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seatrial.engine.cache import AnswerCache
from seatrial.engine.health import Health
from seatrial.engine.recorder import Recorder
from seatrial.ports import Clock, Coin, Provider
from seatrial.reliability.settings import Plan


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is configured now.  Immutable, in memory, replaced whole on reload.

    Args:
        plans: by feature.
        providers: by target name; built-in targets and functions not loaded here are absent.
        keep_content: whether records hold what was asked and answered.
    """

    plans: Mapping[str, Plan]
    providers: Mapping[str, Provider]
    keep_content: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """Clock, dice, memory and the recorder.

    Args:
        clock, coin, new_id: what tells time, throws dice and makes ids.
        health: of the targets.
        recorder: where records go.
        secret: of this installation.
        loop: on which requests are answered, when it is known: to ask for the running one is
            a system call.
        cache: the last good answers.
    """

    clock: Clock
    coin: Coin
    new_id: Callable[[], str]
    health: Health
    recorder: Recorder
    secret: bytes
    loop: asyncio.AbstractEventLoop | None = None
    cache: AnswerCache = field(default_factory=AnswerCache)
