"""How much personal data is found, and what is taken for it, on generated cases.

Recall: the value is found whole, and as its kind.  Precision, per kind: of all finds of the
kind, in values and near misses, those that are right.

The first measurement on sentences held out found five kinds below their floors: an opening
bracket was taken into US phone numbers (and over what stands behind it), `name=` into addresses
of e-mail, Finnish numbers of digits alone were named Swedish, and bare numbers after words that
nobody had thought of passed for phone numbers.  That was mended; those sentences are looked at
since, and others are held out.
"""

import random
from collections import Counter
from pathlib import Path

from bench.checks.halves import FLOORS, half_of, least, most, rows
from bench.checks.people import CHECKED, MAKERS, NEAR_SENTENCES, SENTENCES, near_miss
from bench.checks.shares import Share
from seatrial.reliability.checks.personal_data import find

CASES = 600  # of each kind
NEAR_MISSES = 6_000


def measure(folder: Path, half: str) -> bool:
    """Print recall and precision per kind; True when every floor holds."""
    dice = random.Random(f"people {half}")
    floors = FLOORS["personal_data"]
    hits: Counter[str] = Counter()
    finds: Counter[str] = Counter()
    for kind, (name, make) in MAKERS.items():
        for _ in range(CASES):
            value = make(dice)
            text = dice.choice(SENTENCES[half]).format(name=name, value=value)
            for found in find(text):
                finds[found.kind] += 1
                hits[kind] += (found.kind, text[found.start : found.end]) == (kind, value)
    for _ in range(NEAR_MISSES):
        text = dice.choice(NEAR_SENTENCES[half]).format(value=near_miss(dice))
        finds.update(found.kind for found in find(text))
    questions = [row["text"] for row in rows(folder / "banking77" / "test.csv")]
    chosen = [text for text in questions if half_of(text) == half]
    print(f"personal data, {half}")
    held = []
    for kind in MAKERS:
        word = "with_checksum" if kind in CHECKED else "without_checksum"
        held += [
            least(f"{kind}: recall", Share(hits[kind], CASES), floors[f"recall_{word}"]),
            least(
                f"{kind}: precision", Share(hits[kind], finds[kind]), floors[f"precision_{word}"]
            ),
        ]
    share = Share(sum(bool(find(text)) for text in chosen), len(chosen))
    held.append(most("banking77: texts with a find", share, floors["banking77_found"]))
    return all(held)
