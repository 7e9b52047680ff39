"""What each default check costs, in microseconds.

Asked on the benchmark's own request and answer, and on a letter and its answer, whose words are
more than three sentences repeated.  Runs as its own process, and prints one line of JSON.
"""

import importlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from bench import wire

CALLS: Final = 20  # between two readings of the clock
TIMES: Final = 100  # of which the quickest counts: what disturbs only adds
LETTER: Final = (
    "Hello, I placed an order with you two weeks ago and I still haven't received anything. The "
    "tracking page says that the parcel was handed over to the courier on Monday, but nobody came "
    "to the door and there was no card in the letterbox. I have already asked my neighbours and "
    "the shop on the corner, and they have not seen it either. Could you please tell me what "
    "happened, and whether I can get a refund or a replacement? I would prefer a replacement in a "
    "smaller size if you still have one, because the old one did not fit my sister, who is the "
    "person I bought it for. My order number is 48213 and it was paid by card. I am at home most "
    "mornings, except on Thursday, when I am at work until late. If it is easier, you can also "
    "call me; I think that you have my number from last time. Thank you, and have a nice weekend."
)
REPLY: Final = (
    "I'm sorry to hear that your parcel hasn't arrived. The courier marked it as delivered on "
    "Monday at 14:05, although no card was left. Here is what we can do for you:\n\n1. We open a "
    "search with the courier, which takes up to three working days.\n2. If the parcel does not "
    "turn up, we send a replacement in the smaller size at no cost, or refund the full amount to "
    "the card that you paid with.\n3. Should it arrive in the meantime, please keep it closed and "
    "use the return label that comes in the box.\n\nYou do not have to do anything for the search. "
    "We will write to you as soon as we know more, and at the latest on Friday. For the smaller "
    "size, there are eleven left in our warehouse; I have put one of them aside for you. Is the "
    "address in Swansea still right? If not, just answer this message with the new one."
)


def costs() -> Iterator[tuple[str, float]]:
    """Each check by name, and its microseconds: on the benchmark's texts, then on the letter."""
    body = json.loads(wire.request_body(stream=False))
    said = json.loads(wire.answer_body())["choices"][0]["message"]["content"]
    letter = {**body, "messages": [*body["messages"][:1], {"role": "user", "content": LETTER}]}
    for kind, request, text in (("", body, said), (" (letter)", letter, REPLY)):
        asked, answered, refused = map(_microseconds, _checks(request, text))
        yield f"injection{kind}", asked
        yield f"refusal{kind}", refused
        yield f"leaks{kind}", max(answered - refused, 0.0)


def _checks(body: dict[str, Any], text: str) -> tuple[Callable[[], object], ...]:
    """The default checks of an input, those of an answer, and that for refusals alone.

    The one place that knows how they are asked.
    """
    # By name, so that the other lines of the benchmark need no Seatrial at all.
    checks = "seatrial.reliability.checks"
    incoming = importlib.import_module(f"{checks}.incoming")
    outgoing = importlib.import_module(f"{checks}.outgoing")
    refusals = importlib.import_module(f"{checks}.refusals")
    told = importlib.import_module(f"{checks}.told")
    answer = importlib.import_module("seatrial.values.chat").Answer(text)
    before, after = incoming.InputPlan(), outgoing.OutputPlan()
    return (
        lambda: incoming.examine_input(before, incoming.Asked(body)),
        lambda: outgoing.examine_output(after, answer, told.Told(body)),
        lambda: refusals.check_refusal(answer),
    )


def _microseconds(check: Callable[[], object]) -> float:
    """What one call takes when nothing disturbs it."""
    best = float("inf")
    for _ in range(TIMES):
        began = time.perf_counter()
        for _ in range(CALLS):
            check()
        best = min(best, time.perf_counter() - began)
    return best / CALLS * 1e6


if __name__ == "__main__":
    print(json.dumps(dict(costs())))
