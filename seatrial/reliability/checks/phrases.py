"""Does an answer say nothing in many words?

Its sentences are taken apart: courtesies, words about being a machine and the question said
again are put aside.  What is left must hold something.
"""

from __future__ import annotations

import re
from typing import Final

from seatrial.reliability.checks.settings import OnOutput
from seatrial.values.checks import PASSED, Says, Verdict

# An answer that says nothing is short: more text than this is looked at no further.
MOST_CHARS: Final = 2_000
_MOST_SENTENCES: Final = 40
_RESTATED: Final = 0.8  # of a sentence's words stand in the question: it says it again

# A whole sentence that begins so is a courtesy, unless it holds a number or an address.
_COURTESY: Final = re.compile(
    r"(?:i|we) hope (?:this|that|it|my answer) (?:helps|is helpful|was helpful|answers|clarifies)"
    r"|(?:please )?(?:let me know|feel free|do not hesitate|don't hesitate|reach out)\b"
    r"|if you (?:have|need|would like|want) (?:any|more|further|other|anything)"
    r"|(?:that|this|what)(?:'s| is)? an? (?:very |really )?(?:great|good|excellent|interesting"
    r"|important|fascinating) (?:question|point|topic)"
    r"|thank you for|thanks for|you're welcome|you are welcome|happy to help"
    r"|(?:i'm|i am|i'd be|i would be|we're|we are) (?:always )?(?:happy|glad|delighted|here) to"
    r"|is there anything else|have a (?:great|good|nice) |best regards|kind regards"
    r"|(?:the answer|it) (?:really )?depends(?: on (?:many|various|several|a (?:number|variety) of)"
    r" (?:\w+ )?(?:factors|things))?\W*$|there are many (?:factors|ways|things)\b[^,:;]*$"
    r"|gobeithio (?:bod|fod) h|diolch am|croeso\b|ich hoffe,|j'espère que|espero que es"
    r"|espero que le|spero che quest|ik hoop dat dit"
)
# These only open a sentence: what follows them is looked at.
_OPENING: Final = re.compile(
    r"(?:sure|of course|certainly|absolutely|hello|hi|dear (?:user|customer)"
    r"|(?:great|good|excellent|interesting) (?:question|point))\b\W*"
)
_MACHINE: Final = re.compile(
    r"\bas an? (?:ai|artificial intelligence|large language model|language model)\b"
    r"|\bi(?:'m| am) (?:just |only |simply )?an? (?:ai|artificial intelligence|language model"
    r"|large language model)\b"
    r"|\bfel (?:model iaith|deallusrwydd artiffisial)\b"
    r"|\ben tant qu(?:e modèle de langage|'ia\b)"
    r"|\bals (?:ki|ki-)?(?:sprachmodell|ki)\b|\bcomo (?:un )?modelo de lenguaje\b"
    r"|\bcomo (?:uma? )?(?:ia|modelo de linguagem)\b|\bcome modello linguistico\b"
    r"|\bals (?:ai-)?taalmodel\b|作为(?:一个)?(?:人工智能|ai|语言模型)"
)
# "As an AI, I have no …": the rest of such a sentence says what it is not.
_DENIAL: Final = re.compile(
    r"\b(?:not|cannot|can't|don't|no|unable|ddim|ni|nicht|kein\w*|pas|non|não|niet|geen)\b|[不没无]"
)
_ADDRESS: Final = re.compile(r"[\d@]|https?:")
_ENDS: Final = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")
_WORD: Final = re.compile(r"\w+")

# A question with one of these cannot be answered by saying it again.
_OPEN: Final = frozenset(
    "how what when where which who whom whose why beth ble pa pam pryd pwy sut sawl faint "
    "warum wann welche wer wie wieso wo qui quoi quand comment pourquoi où quel quelle combien "
    "qué cuándo cómo dónde quién cuál cuánto che cosa quando come dove chi perché quale".split()
)
# Words that carry nothing by themselves.
_SMALL: Final = frozenset(
    "a about am an and are as at be been being but by can could did do does for from had has have "
    "here how i if in into is it its me more most my no not of on or our so some such that the "
    "their them then there these they this those to very was we were what when where which who "
    "why will with would you your question asked asking ask know want wanted understand "
    "i'm you're it's well okay ok yes".split()
)


def check_phrases(text: str, question: str, *, then: OnOutput) -> Verdict:
    """Judge whether an answer says anything.

    Args:
        text: of the answer.
        question: the last thing the caller said.
        then: what follows when it says nothing.  Words about being a machine beside a real
            answer are flagged at most.

    >>> check_phrases("Great question! I hope this helps.", "When is low tide?", then="refuse").code
    'empty_phrases'
    """
    if then == "off" or not text.strip() or len(text) > MOST_CHARS:
        return PASSED
    kinds = {"courtesy": 0, "machine": 0, "restated": 0}
    says_something = False
    asked = frozenset(_WORD.findall(_plain(question[: 4 * MOST_CHARS])))
    for sentence in _ENDS.split(_plain(text), maxsplit=_MOST_SENTENCES):
        machine = _MACHINE.search(sentence)
        kinds["machine"] += machine is not None
        if machine and _DENIAL.search(sentence):
            continue
        kind = _kind(sentence, asked)
        if kind is None:
            says_something = True
        elif kind:
            kinds[kind] += 1
    counts = {kind: number for kind, number in kinds.items() if number}
    if not says_something:
        return Verdict(Says(then), "empty_phrases", "The answer says nothing.", counts)
    if kinds["machine"]:
        reason = "The answer speaks of being a machine."
        return Verdict(Says.FLAG, "machine_phrases", reason, {"machine": kinds["machine"]})
    return PASSED


def _plain(text: str) -> str:
    return text.casefold().replace("’", "'")


def _kind(sentence: str, asked: frozenset[str]) -> str | None:
    """Return what kind of nothing a sentence says; None when it says something, else empty."""
    said = sentence.lstrip("*_#>-• \t")
    opening = _OPENING.match(said)
    said = said[opening.end() :] if opening else said
    words = _WORD.findall(said)
    if not words:
        return "courtesy" if _WORD.search(sentence) else ""
    if _COURTESY.match(said) and not _ADDRESS.search(said):
        return "courtesy"
    own = [word for word in words if word not in _SMALL]
    known = sum(word in asked for word in own)
    # To "is it open?", "it is open" is an answer; to "when is it open?" it is none.
    if known < 2 or asked.isdisjoint(_OPEN):
        return None
    covers = known >= len(asked - _SMALL) / 2
    return "restated" if covers and known >= _RESTATED * len(own) else None
