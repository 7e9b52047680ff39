"""What may go out: every check of an answer, from cheap to dear, up to the first that refuses.

A target that declines has answered: its words are flagged, and only what must never leave is
looked for in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from seatrial.reliability.checks.forbidden import check_forbidden, forbid
from seatrial.reliability.checks.grounding import check_grounding
from seatrial.reliability.checks.language import Identify, language_of
from seatrial.reliability.checks.leaks import Prompts, check_leaks
from seatrial.reliability.checks.phrases import check_phrases
from seatrial.reliability.checks.refusals import check_refusal
from seatrial.reliability.checks.settings import OnOutput, OutputSettings
from seatrial.reliability.checks.shape import Shape
from seatrial.reliability.checks.sources import documents_of
from seatrial.reliability.checks.structured import (
    Shapes,
    asks_for_json,
    check_json,
    check_response_format,
)
from seatrial.reliability.checks.told import Told
from seatrial.reliability.checks.tools import check_tools, offers_tools
from seatrial.values.chat import Answer
from seatrial.values.checks import PASSED, Says, Verdict

Look = Callable[[], Verdict]

_USUAL: Final = OutputSettings()
_CUT: Final = Verdict(Says.FLAG, "cut_short", "The answer was cut by its limit of tokens.")
_MOST_NOTE: Final = 2_000  # characters
# Languages that an identifier takes for each other.
_KIN: Final = tuple(
    frozenset(each.split()) for each in ("da nb nn no sv", "bs hr sr", "id ms", "cs sk", "gl pt es")
)


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """How the answers of one feature are checked.

    Args:
        settings: as the operator set them.
        shape: the compiled schema that every answer must fit, or None.
        identify: tells a text's language; None when it cannot be told.
    """

    settings: OutputSettings = _USUAL
    shape: Shape | None = None
    identify: Identify | None = field(default=None, repr=False)
    forbidden: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    shapes: Shapes = field(init=False, repr=False, compare=False)
    prompts: Prompts = field(init=False, repr=False, compare=False)
    always: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what follows from the settings."""
        settings = self.settings
        object.__setattr__(self, "forbidden", forbid(settings.forbidden))
        object.__setattr__(self, "shapes", Shapes())
        object.__setattr__(self, "prompts", Prompts())
        strict = (settings.leaks, settings.empty_phrases, settings.grounding)
        judges_language = settings.language == "refuse" and self.identify is not None
        needs = (self.shape, settings.max_chars, settings.min_chars, self.forbidden)
        always = "refuse" in strict or judges_language or bool(settings.checks)
        object.__setattr__(self, "always", always or any(need is not None for need in needs))
        # Compiles what the first answer would have to wait for.
        examine_output(self, Answer("Good morning."), Told({}))

    def can_refuse(self, body: Mapping[str, Any]) -> bool:
        """Whether a check could refuse the answer to this request: its stream is held back."""
        return self.can_refuse_text(body) or (
            self.settings.tools == "refuse" and offers_tools(body)
        )

    def can_refuse_text(self, body: Mapping[str, Any]) -> bool:
        """Whether a check could refuse what the answer says, rather than its tool calls only.

        When this is false, a stream may go out until its first piece of a tool call.
        """
        return self.always or asks_for_json(body)


def examine_output(plan: OutputPlan, answer: Answer, told: Told) -> list[tuple[str, Verdict]]:
    """Return what each check says of a whole answer, up to the first that refuses.

    Args:
        plan: of the feature.
        answer: as it came, before marks in it are turned back.
        told: what it is held against.

    Returns:
        Name of the check and verdict, in order.  The user's own functions are not asked here.

    >>> plan = OutputPlan(OutputSettings(max_chars=10))
    >>> examine_output(plan, Answer("Low tide is at nine."), Told({}))[-1][1].code
    'too_long'
    """
    said: list[tuple[str, Verdict]] = []
    for name, look in output_checks(plan, answer, told):
        verdict = look()
        said.append((name, verdict))
        if verdict.says is Says.REFUSE:
            break
    return said


def output_checks(plan: OutputPlan, answer: Answer, told: Told) -> Iterator[tuple[str, Look]]:
    """Iterate over the checks of an answer, cheap to dear: what each is called, and to ask it.

    Those that are switched off, or have nothing to look at, are left out.  Ask in this order,
    and stop at the first that refuses.
    """
    settings = plan.settings
    text = answer.text or ""
    refusal = check_refusal(answer)
    declined = refusal is not PASSED
    yield "refusal", lambda: refusal
    if settings.max_chars is not None or settings.min_chars is not None:
        yield "size", lambda: _check_size(answer, settings, declined=declined)
    if plan.forbidden is not None:
        longest = max(map(len, settings.forbidden)) * 4  # normalising may lengthen
        yield (
            "forbidden",
            lambda: check_forbidden(_all_said(answer), plan.forbidden, longest=longest),
        )
    if answer.tool_calls and settings.tools != "off":
        yield "tools", lambda: _check_tools(plan, answer, told)
    if not declined and not answer.tool_calls:
        yield from _structure_checks(plan, answer, told)
    if settings.leaks != "off":
        yield "leaks", lambda: _check_leaks(plan, answer, told)
    if declined or not text:
        return
    if settings.empty_phrases != "off":
        yield (
            "empty_phrases",
            lambda: check_phrases(text, told.question, then=settings.empty_phrases),
        )
    if settings.language != "off" and plan.identify is not None:
        identify = plan.identify
        yield "language", lambda: _check_language(text, told.question, identify, settings.language)
    if settings.grounding != "off" and not answer.tool_calls:
        yield "grounding", lambda: _check_grounding(text, told, settings.grounding)


def _structure_checks(plan: OutputPlan, answer: Answer, told: Told) -> Iterator[tuple[str, Look]]:
    text = answer.text or ""
    if plan.shape is not None:
        yield "schema", lambda: check_json(text, plan.shape, code="schema")
    if asks_for_json(told.body):
        cut = answer.finish_reason == "length"
        yield (
            "response_format",
            lambda: _mild(check_response_format(text, told.body, plan.shapes), cut=cut),
        )


def repair_note(verdicts: Iterable[Verdict]) -> str:
    """Return what a target is told when it is asked again: the reasons, nothing of its answer.

    >>> print(repair_note([Verdict(Says.REFUSE, "too_long", "It has more than 10 characters.")]))
    Your last answer was not accepted:
    - It has more than 10 characters.
    Answer again, and mind this. Say nothing about this note.
    """
    refused = [each for each in verdicts if each.says is Says.REFUSE]
    reasons = dict.fromkeys(" ".join((each.reason or each.code).split()) for each in refused)
    lines = "\n".join(f"- {reason}" for reason in reasons)
    return (
        f"Your last answer was not accepted:\n{lines[:_MOST_NOTE]}\n"
        "Answer again, and mind this. Say nothing about this note."
    )


def _check_size(answer: Answer, settings: OutputSettings, *, declined: bool) -> Verdict:
    chars = len(answer.text or "")
    if settings.max_chars is not None and chars > settings.max_chars:
        reason = f"The answer has more than {settings.max_chars:,} characters."
        return Verdict(Says.REFUSE, "too_long", reason)
    exempt = declined or answer.tool_calls
    if settings.min_chars is not None and chars < settings.min_chars and not exempt:
        reason = f"The answer has fewer than {settings.min_chars:,} characters."
        return Verdict(Says.REFUSE, "too_short", reason)
    return PASSED


def _check_tools(plan: OutputPlan, answer: Answer, told: Told) -> Verdict:
    then = plan.settings.tools
    verdict = check_tools(answer.tool_calls, told.body, plan.shapes, then=then)
    return _mild(verdict, cut=answer.finish_reason == "length")


def _mild(verdict: Verdict, *, cut: bool) -> Verdict:
    """Return a flag in place of a refusal when the caller's own limit cut the answer."""
    return _CUT if cut and verdict.says is Says.REFUSE else verdict


def _all_said(answer: Answer) -> str:
    """Return everything that leaves with an answer."""
    if not (answer.tool_calls or answer.refusal or answer.reasoning):
        return answer.text or ""
    calls = (call.arguments for call in answer.tool_calls)
    said: Sequence[str | None] = (answer.text, answer.refusal, answer.reasoning, *calls)
    return "\n".join(each for each in said if each)


def _check_leaks(plan: OutputPlan, answer: Answer, told: Told) -> Verdict:
    instructions = told.instructions
    return check_leaks(
        _all_said(answer),
        then=plan.settings.leaks,
        canaries=plan.settings.canaries,
        prompt=plan.prompts.of(instructions) if instructions else None,
        given=told.all_texts,
        said=told.caller_texts,
        open_texts=told.open_texts,
    )


def _check_language(text: str, question: str, identify: Identify, then: OnOutput) -> Verdict:
    asked = language_of(question, identify)
    answered = language_of(text, identify) if asked else ""
    if not answered or answered == asked or any({asked, answered} <= kin for kin in _KIN):
        return PASSED
    reason = "The answer should be in the language of the question."
    return Verdict(Says(then), "language", reason, {answered: 1})


def _check_grounding(text: str, told: Told, then: OnOutput) -> Verdict:
    documents = documents_of(told.body, told.variables)
    return check_grounding(text, documents, told.grounds() if documents else (), then=then)
