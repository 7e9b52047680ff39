"""What each default check costs, in microseconds of processor time.

Asked on the benchmark's own requests and answers, on letters of 2,000 characters, and on chats of
ten messages.  All of them differ; only the instructions are the same, as in a feature.  Runs as
its own process, and prints one line of JSON.
"""

import importlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from bench import letters, wire

TEXTS: Final = 100  # between two readings of the clock, each once
TIMES: Final = 20  # of which the quickest counts: what disturbs only adds
LETTER_CHARS: Final = 2_000
TURN_CHARS: Final = 250
MESSAGES: Final = 10  # of a chat, the instructions among them

Case = tuple[dict[str, Any], str]
"""A request, and what it is answered."""


def costs() -> Iterator[tuple[str, float]]:
    """Each check by name, and its microseconds: for requests, then for letters and for chats."""
    cases = [(json.loads(wire.request_body(place, stream=False)), place) for place in range(TEXTS)]
    for kind, said in (("", None), (" (letter)", _letter), (" (chat)", _chat)):
        asked = [
            (
                body if said is None else {**body, "messages": said(body, place)},
                letters.reply(place),
            )
            for body, place in cases
        ]
        incoming, outgoing, refusals = (_microseconds(check, asked) for check in _checks())
        yield f"injection{kind}", incoming
        yield f"refusal{kind}", refusals
        yield f"leaks{kind}", max(outgoing - refusals, 0.0)


def _letter(body: dict[str, Any], place: int) -> list[dict[str, str]]:
    letter = letters.letter(place, LETTER_CHARS)
    return [*body["messages"][:1], {"role": "user", "content": letter}]


def _chat(body: dict[str, Any], place: int) -> list[dict[str, str]]:
    turns = [
        {"role": "assistant", "content": letters.reply(place * MESSAGES + turn, TURN_CHARS)}
        if turn % 2
        else {"role": "user", "content": letters.letter(place * MESSAGES + turn, TURN_CHARS)}
        for turn in range(MESSAGES - 1)
    ]
    return [*body["messages"][:1], *turns]


def _checks() -> tuple[Callable[[Case], object], ...]:
    """The default checks of an input, those of an answer, and that for refusals alone.

    The one place that knows how they are asked.
    """
    # By name, so that the other lines of the benchmark need no Seatrial at all.
    checks = "seatrial.reliability.checks"
    incoming = importlib.import_module(f"{checks}.incoming")
    outgoing = importlib.import_module(f"{checks}.outgoing")
    refusals = importlib.import_module(f"{checks}.refusals")
    told = importlib.import_module(f"{checks}.told")
    answer = importlib.import_module("seatrial.values.chat").Answer
    before, after = incoming.InputPlan(), outgoing.OutputPlan()
    return (
        lambda case: incoming.examine_input(before, incoming.Asked(case[0])),
        lambda case: outgoing.examine_output(after, answer(case[1]), told.Told(case[0])),
        lambda case: refusals.check_refusal(answer(case[1])),
    )


def _microseconds(check: Callable[[Case], object], cases: Sequence[Case]) -> float:
    """What one call takes when nothing disturbs it."""
    best = float("inf")
    for _ in range(TIMES):
        began = time.process_time()
        for case in cases:
            check(case)
        best = min(best, time.process_time() - began)
    return best / len(cases) * 1e6


if __name__ == "__main__":
    print(json.dumps(dict(costs())))
