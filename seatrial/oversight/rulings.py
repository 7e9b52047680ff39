"""What people say of an answer: whether a ruling is one, and whether it found the draft wrong."""

from __future__ import annotations

import math
from typing import Final

from seatrial.errors import BadRequest
from seatrial.values.reviews import Ruling, RulingKind

MOST_TEXT: Final = 100_000  # characters
MOST_NOTE: Final = 4_000
MOST_TAGS: Final = 16
MOST_TAG: Final = 64
MOST_SECONDS: Final = 31 * 86_400.0

# What is always offered as a reason; a feature may use words of its own besides.
REASONS: Final = ("fact", "omission", "addition", "policy", "tone", "format")
# An edit for these alone leaves a draft right that could have been put better.
MANNERS: Final = frozenset({"tone", "format"})

_WRITES: Final = frozenset({RulingKind.EDIT, RulingKind.REPLACE})


def check_ruling(ruling: Ruling) -> None:
    """Check that a ruling says what its kind needs, and no more.

    Raises:
        BadRequest: it does not; `param` names the part.
    """
    _check_sizes(ruling)
    kind, text = ruling.kind.value, ruling.text or ""
    if ruling.kind in _WRITES and not text.strip():
        raise BadRequest(f"{kind!r} needs the answer.", fix="Write it as `text`.", param="text")
    if ruling.kind not in _WRITES and text:
        raise BadRequest(
            f"{kind!r} takes no text.",
            why="Nobody would ever read it.",
            fix="Use `edit` or `replace` to send it, or `note` to tell colleagues.",
            param="text",
        )
    if ruling.kind is RulingKind.PASS_ON and not ruling.note.strip():
        raise BadRequest(
            "Passing an item on needs a note.",
            why="The next person starts with what you found out.",
            fix="Write one line as `note`.",
            param="note",
        )
    if ruling.kind is not RulingKind.PASS_ON and ruling.to:
        raise BadRequest(
            f"{kind!r} goes to no queue.", fix="Leave `to` out, or pass the item on.", param="to"
        )


def wrong_of(ruling: Ruling) -> bool | None:
    """Return whether the person found the draft wrong; None when they did not say.

    An edit that changed the manner alone (every tag is `tone` or `format`) leaves the draft
    right; an edit without a tag counts as wrong.

    >>> wrong_of(Ruling(RulingKind.EDIT, "ann", 0.0, text="Dear Bo", tags=("tone",)))
    False
    """
    match ruling.kind:
        case RulingKind.APPROVE:
            return False
        case RulingKind.EDIT:
            return not ruling.tags or not MANNERS.issuperset(ruling.tags)
        case RulingKind.PASS_ON:
            return None
        case _:
            return True


def _check_sizes(ruling: Ruling) -> None:
    if not ruling.by:
        raise BadRequest("A ruling needs its author.", fix="Set `by`.", param="by")
    written = (("text", ruling.text or "", MOST_TEXT), ("note", ruling.note, MOST_NOTE))
    for name, text, most in written:
        if len(text) > most:
            raise BadRequest(
                f"`{name}` has {len(text):,} characters; {most:,} are read.",
                fix="Shorten it.",
                param=name,
            )
    if len(ruling.tags) > MOST_TAGS or not all(0 < len(tag) <= MOST_TAG for tag in ruling.tags):
        raise BadRequest(
            f"Tags are {MOST_TAGS} words at most, of {MOST_TAG} characters at most.",
            fix="Put the rest into `note`.",
            param="tags",
        )
    if not math.isfinite(ruling.at) or not 0 <= ruling.seconds <= MOST_SECONDS:
        raise BadRequest(
            "Times are seconds: `at` since 1970, `seconds` up to a month.",
            fix="Leave `seconds` out when it is not known.",
            param="seconds",
        )
