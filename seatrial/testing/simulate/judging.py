"""The functions of their own that simulated features check with: they hang, raise and refuse.

What they do follows from the text alone, so that it can be worked out again afterwards.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from seatrial.testing.simulate.demands import DOUBTFUL, MOODS

LOOKING_S: Final = 0.002
SIGNED: Final = "[id:"  # how a model's own answers begin


async def judge_question(text: str) -> object:
    """Accept a question, or do what its last word says."""
    await asyncio.sleep(LOOKING_S)
    mood = text.rpartition(" ")[2]
    return await _act(mood) if mood in MOODS else True


async def judge_answer(text: str, question: str) -> object:
    """Accept an answer, unless it is doubtful."""
    await asyncio.sleep(LOOKING_S)
    mood = mood_of(text, question)
    return await _act(mood) if mood else None


def mood_of(text: str, question: str) -> str:
    """Return what `judge_answer` does to an answer; empty when it accepts it."""
    if DOUBTFUL not in question or SIGNED not in text:
        return ""
    place = zlib.crc32(text.encode()) % 8
    return MOODS[place] if place < len(MOODS) else ""


async def _act(mood: str) -> object:
    match mood:
        case "hangs":
            await asyncio.sleep(1e6)
        case "raises":
            raise LookupError("this function always fails")
        case "refuses":
            return "We do not answer that here."
    return 7
