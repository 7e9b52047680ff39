"""What may come in and what may go out, as an operator sets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OnInput = Literal["off", "flag", "refuse", "hand_off"]
OnOutput = Literal["off", "flag", "refuse"]


@dataclass(frozen=True, slots=True)
class InputSettings:
    """A section [features.NAME.input]: what may come in.

    Args:
        max_chars: of all texts of a request together.
        max_tokens: the same, estimated in tokens.
        schema: file with a JSON Schema; the last user message must then be JSON that fits it.
        types: whether a decorated function's arguments must fit its type hints.
        required: values that `metadata` (or keyword arguments) must hold.
        languages: the ISO 639-1 codes that are understood; needs the extra `lang`.
        on_language: what follows when the language is another, and it is sure.
        personal_data: what follows when there is some: `redact` puts marks in its place
            before anything is stored or sent.
        personal_kinds: which kinds are looked for; empty for all.
        restore: whether marks in the answer are turned back into what they stand for.
        injection: what follows when a text looks like an attempt to take over the model.
        injection_judge: a target that is asked as well, once the other checks passed; it can
            only make the verdict stricter, and late or broken it changes nothing.
        duplicates: what follows when the same caller asks the same within `duplicate_s`.
        duplicate_s: how long an input is remembered, in seconds.
        checks: functions of your own, `module:function`, asked in this order.
        check_s: each of them must answer within this, in seconds; late is refused.  The judge
            has the same time.
    """

    max_chars: int | None = None
    max_tokens: int | None = None
    schema: str | None = None
    types: bool = False
    required: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    on_language: Literal["flag", "refuse", "hand_off"] = "refuse"
    personal_data: Literal["off", "flag", "redact", "refuse", "hand_off"] = "off"
    personal_kinds: tuple[str, ...] = ()
    restore: bool = False
    injection: OnInput = "flag"
    injection_judge: str = ""
    duplicates: OnInput = "off"
    duplicate_s: float = 60.0
    checks: tuple[str, ...] = ()
    check_s: float = 1.0


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """A section [features.NAME.output]: what may go out.

    Args:
        schema: file with a JSON Schema; the answer must be JSON that fits it.
        max_chars: of the answer's text.
        min_chars: the same.
        language: what follows when the answer is in another language than the question.
        forbidden: texts that no answer may hold, whatever their case.
        leaks: what follows when an answer gives away secrets, the prompt itself, a canary, or
            personal data that was not in the input.
        canaries: texts planted in prompts and documents that must never come out.
        empty_phrases: what follows when an answer says nothing in many words.
        tools: what follows when a tool call does not fit the schema that its tool declares.
        grounding: what follows when the answer is not held by the context it was given.
        checks: functions of your own, `module:function`, asked in this order.
        check_s: each of them must answer within this, in seconds; late is refused.
        repairs: how often a target is asked again, with the reason, after its answer failed.
        stream: streams that a check could refuse are held back until it passed (`hold`), or
            leave at once and are checked afterwards (`check_after`), which the record tells.
    """

    schema: str | None = None
    max_chars: int | None = None
    min_chars: int | None = None
    language: OnOutput = "off"
    forbidden: tuple[str, ...] = ()
    leaks: OnOutput = "flag"
    canaries: tuple[str, ...] = ()
    empty_phrases: OnOutput = "off"
    tools: OnOutput = "refuse"
    grounding: OnOutput = "off"
    checks: tuple[str, ...] = ()
    check_s: float = 1.0
    repairs: int = 0
    stream: Literal["hold", "check_after"] = "hold"
