"""A target that knows what questions mean, and a stage where answers are kept."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.ports import Call, Pulse
from seatrial.reliability.settings import TargetRules
from seatrial.reliability.similarity import CachePlan, CacheSettings
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Usage
from seatrial.values.decisions import Answered, Settled
from seatrial.values.vectors import pack
from tests.rooms.engine.stage import Stage, Target

DOWN = Failure(Cause.SERVER_ERROR)
WHERE = "Where is my parcel?"
WHERE_ELSE = "Where's the parcel of mine?"
# Degrees in the plane: the cosine of 10 degrees is 0.985, of 30 degrees 0.866.
MEANING = {WHERE: 0, WHERE_ELSE: 10, "How do I cook rice?": 90, "What of my parcel?": 30}


@dataclass
class Embedder:
    """A target that knows what questions mean.

    Args:
        meaning: degrees in the plane, by text.
        fails: what it says instead.
        takes_s: how long it takes.
    """

    meaning: Mapping[str, float] = field(default_factory=lambda: MEANING)
    fails: Failure | None = None
    takes_s: float = 0.0
    outlets: tuple[str, ...] = ("only",)
    open_streams: int = 0
    asked: list[list[str]] = field(default_factory=list)

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        texts: list[str] = call.body["input"]
        self.asked.append(texts)
        await asyncio.sleep(self.takes_s)
        if self.fails:
            return self.fails
        angles = [math.radians(self.meaning.get(text, 200)) for text in texts]
        vectors = tuple(pack([math.cos(angle), math.sin(angle)]) for angle in angles)
        return Answer(None, vectors=vectors, usage=Usage(input_tokens=7, raw={}))

    async def stream(self, call: Call, pulse: Pulse) -> Answer | Failure:
        raise AssertionError("vectors are not streamed")

    async def close(self) -> None:
        """Nothing to give back."""


def stage(*acts: Any, embedder: Embedder | None = None, **settings: Any) -> Stage:
    """Return a stage whose target plays these acts, with a cache behind it or in front."""
    more = {name: settings.pop(name) for name in ("input", "output", "prompt") if name in settings}
    usual: dict[str, Any] = {"similar": 0.95, "embeddings": "embedder"}
    made = CacheSettings(**(usual | settings))
    targets: dict[str, Any] = {
        "large": Target([[act] for act in acts]),
        "embedder": embedder or Embedder(),
    }
    return Stage(
        targets,
        off_route=("embedder",),
        ends=() if made.front else ("cache",),
        cache=CachePlan(made, TargetRules("embedder"), "m-1"),
        **more,
    )


def embedder_of(made: Stage) -> Embedder:
    """Return its embedder."""
    found: Any = made.targets["embedder"]
    return found  # type: ignore[no-any-return]


def text_of(settled: Settled) -> str | None:
    """Return what was answered; None for anything else."""
    decision = settled.decision
    return decision.answer.text if isinstance(decision, Answered) else None
