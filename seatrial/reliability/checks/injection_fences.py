"""Signs by which programs, not people, mark who speaks; somebody who writes them pretends."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class _Fence(NamedTuple):
    """A mark, and texts of which one stands in whatever holds it."""

    weight: float
    needs: tuple[str, ...]
    pattern: re.Pattern[str]


def _fence(weight: float, needs: tuple[str, ...], *parts: str) -> _Fence:
    return _Fence(weight, needs, re.compile("".join(parts)))


# Rules across a page are drawn with three of these.
_DRAWN: Final = bytes(ord("-") if chr(code) in "-=#*" else ord(" ") for code in range(256))
# Each with its weight; they add up.
FENCES: Final = (
    _fence(
        1.0,
        ("<|", "inst]", "sys>>"),
        r"<\|(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id",
        r"|end_header_id|begin_of_text|endofprompt)\|?>|\[/?inst\]|<</?sys>>",
    ),
    _fence(
        0.8,
        ('"role"', "<"),
        r'"role" ?: ?"(?:system|developer)"',
        r"|</?(?:system|sys|developer|admin)(?:[ _-]\w{1,16})?>",
    ),
    _fence(
        0.8,
        ("</",),
        r"</(?:user|user_input|user_query|input|query|data|document|context|untrusted|prompt",
        r"|instructions?|tool_output|email|message)>",
    ),
    _fence(
        0.7,
        ("system", "developer"),
        r"(?:^|[>.!?] |[#*\[\]({-]{1,4} ?)(?:system|developer)",
        r"(?: (?:prompt|message|instructions?|note|override|update|alert))?[\])*]{0,3} ?:",
    ),
    _fence(
        0.7,
        ("syst", "sistem"),
        r"(?:systemhinweis|systemnachricht|note systeme|message systeme|nota (?:del? )?sistema",
        r"|nota di sistema|avviso di sistema|mensaje del sistema|nodyn system|neges system) ?:",
    ),
    _fence(
        0.8,
        ("---",),
        r"[-=#*]{3,8} ?(?:end|begin|start|new|stop)(?: of)? (?:\w{1,12} )?(?:user|system|document",
        r"|context|instructions?|prompt|data|input|message|conversation|session|admin)\b",
    ),
    _fence(0.5, ("<",), r"</?(?:thinking|thought|scratchpad|reasoning|think)>"),
    _fence(
        0.3,
        ("assistant", "human", "user", "ai:", "ai :"),
        r"(?:^|[>.!?] )(?:assistant|human|user|ai) ?:",
    ),
)
_SIGNS: Final = "<[:-=#*"


def weigh_fences(text: str) -> float:
    """Return how much the marks of speakers in a plain text weigh together."""
    if not any(map(text.__contains__, _SIGNS)):
        return 0.0
    is_ruled = b"---" in text.encode("utf-8", "replace").translate(_DRAWN)
    held = f"{text} ---" if is_ruled else text
    return sum(
        fence.weight
        for fence in FENCES
        if any(each in held for each in fence.needs) and fence.pattern.search(text)
    )
