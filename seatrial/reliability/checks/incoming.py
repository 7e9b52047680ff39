"""What may come in: every check of an input, cheap ones first, until one refuses.

Functions of the user's own and judges are not asked here: they wait, and this does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from seatrial.reliability.checks.duplicates import check_duplicate
from seatrial.reliability.checks.injection import check_injection, weigh
from seatrial.reliability.checks.language import Identify, check_language
from seatrial.reliability.checks.personal_data import kinds_of
from seatrial.reliability.checks.personal_data_marks import Marks
from seatrial.reliability.checks.settings import InputSettings
from seatrial.reliability.checks.shape import NotJson, Shape, read_json, told
from seatrial.reliability.checks.signature import Hints
from seatrial.reliability.checks.sizes import check_size
from seatrial.reliability.checks.texts import (
    Source,
    Spoken,
    is_long,
    rewrite,
    rewrite_body,
    spoken_of,
    strings_of,
)
from seatrial.values.chat import last_user_text
from seatrial.values.checks import PASSED, Says, Verdict, strictest

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_DEFAULT: Final = InputSettings()
_FAILED: Final = Verdict(
    Says.REFUSE,
    "redaction_failed",
    "Personal data could not be taken out of the input, so it was neither sent nor stored.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an input check looks at.

    Args:
        body: the chat request in OpenAI's shape, without our prompt.
        variables: the caller's values, such as `metadata`.
        arguments: for a decorated function, what it was called with.
        repeated: whether the same caller asked the same a moment ago; see `duplicates`.
    """

    body: dict[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: Arguments | None = None
    repeated: bool = False

    @property
    def is_long(self) -> bool:
        """Whether the checks take long enough to belong into a thread."""
        return is_long(self.body, self.arguments)


@dataclass(frozen=True, slots=True, eq=False)
class InputPlan:
    """What is checked of a feature's inputs.

    Args:
        settings: as the operator set them.
        shape: the compiled schema, where there is one.
        hints: the type hints of a decorated function, where the feature is one.
        identify: tells languages; None where the extra `lang` is not installed.
        kinds: of personal data; follows from the settings.
        idle: whether nothing at all is to be checked.
    """

    settings: InputSettings = _DEFAULT
    shape: Shape | None = None
    hints: Hints | None = None
    identify: Identify | None = None
    kinds: frozenset[str] = field(init=False, repr=False)
    idle: bool = field(init=False)

    def __post_init__(self) -> None:
        """Work out what follows from the settings."""
        wants = self.settings
        object.__setattr__(self, "kinds", kinds_of(wants.personal_kinds))
        watched = {wants.personal_data, wants.injection, wants.duplicates} != {"off"}
        bounded = wants.max_chars is not None or wants.max_tokens is not None
        told_apart = bool(wants.languages and self.identify)
        idle = not (watched or bounded or told_apart or wants.required or self.shape or self.hints)
        object.__setattr__(self, "idle", idle)
        if wants.injection != "off":
            weigh("")  # compiles what the first request would have to wait for


class Said(NamedTuple):
    """What one check said, and how long it took."""

    check: str
    verdict: Verdict
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class InputReport:
    """What the checks said, and the input as it may go on.

    Args:
        said: each check that was asked, in order.
        body, variables, arguments: of the request, with marks in the place of personal data
            where it is taken out.  Only these may be stored and sent; None where redaction
            failed: then nothing may be.
        marks: what each mark stands for; never stored.
    """

    said: tuple[Said, ...]
    body: dict[str, Any] | None
    variables: Mapping[str, str]
    arguments: Arguments | None = None
    marks: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> Verdict:
        """The strictest of all."""
        return strictest(each.verdict for each in self.said)


def examine_input(
    plan: InputPlan, asked: Asked, *, now: Callable[[], float] = lambda: 0.0
) -> InputReport:
    """Return what the checks of a feature say of an input.

    Args:
        plan: what is checked.
        asked: the input.
        now: a clock, in seconds, for what each check takes.

    Returns:
        The verdicts up to the first that refuses, and the input as it may be stored and sent:
        personal data is taken out of it even where another check refused.  A long one
        that is refused for its size is not worth that: it is not stored.
    """
    said: list[Said] = []
    spoken = spoken_of(asked.body)
    for check, question in _questions(plan, asked, spoken):
        started = now()
        verdict = question()
        said.append(Said(check, verdict, now() - started))
        if verdict.says is Says.REFUSE:
            break
    if plan.settings.personal_data == "off":
        return InputReport(tuple(said), asked.body, asked.variables, asked.arguments)
    if said and said[0].check == "size" and said[0].verdict.says is Says.REFUSE and asked.is_long:
        return InputReport(tuple(said), None, {}, None)
    started = now()
    verdict, report = _take_out(plan, asked)
    at = min(len(said), _place(plan))
    said.insert(at, Said("personal_data", verdict, now() - started))
    return InputReport(tuple(said), report.body, report.variables, report.arguments, report.marks)


def _place(plan: InputPlan) -> int:
    """Return how many checks are cheaper than looking for personal data."""
    wants = plan.settings
    bounded = wants.max_chars is not None or wants.max_tokens is not None
    return sum(
        map(bool, (bounded, wants.required, plan.hints, wants.duplicates != "off", plan.shape))
    )


def _questions(
    plan: InputPlan, asked: Asked, spoken: list[Spoken]
) -> list[tuple[str, Callable[[], Verdict]]]:
    """Return the checks that are asked, cheap ones first."""
    wants = plan.settings
    questions: list[tuple[str, Callable[[], Verdict]]] = []
    if wants.max_chars is not None or wants.max_tokens is not None:
        texts = [text for text, _ in spoken]
        questions.append(
            (
                "size",
                lambda: check_size(texts, max_chars=wants.max_chars, max_tokens=wants.max_tokens),
            )
        )
    if wants.required:
        questions.append(("required", lambda: check_required(wants.required, asked)))
    if (hints := plan.hints) and (arguments := asked.arguments):
        questions.append(("types", lambda: hints.check(*arguments)))
    if wants.duplicates != "off":
        says = Says(wants.duplicates)
        questions.append(("duplicate", lambda: check_duplicate(asked.repeated, says)))
    if shape := plan.shape:
        questions.append(("schema", lambda: check_shape(shape, asked)))
    if wants.injection != "off":
        how = Says(wants.injection)
        questions.append(("injection", lambda: check_injection(spoken, how)))
    if wants.languages and (identify := plan.identify):
        questions.append(("language", lambda: _language(wants, spoken, identify)))
    return questions


def check_required(names: tuple[str, ...], asked: Asked) -> Verdict:
    """Refuse an input that does not hold a value under each of the names."""
    given = asked.arguments[1] if asked.arguments else asked.variables
    missing = [name for name in names if given.get(name) in (None, "")]
    if not missing:
        return PASSED
    where = "The call" if asked.arguments else "metadata"
    return Verdict(
        Says.REFUSE, "missing_field", f"{where} needs a value for: {', '.join(missing)}."
    )


def check_shape(shape: Shape, asked: Asked) -> Verdict:
    """Refuse an input whose last user message is no JSON that fits the schema."""
    messages = asked.body.get("messages")
    try:
        value = read_json(last_user_text(messages if isinstance(messages, list) else []))
    except NotJson as error:
        return Verdict(Says.REFUSE, "not_json", f"The input should be JSON: {error}.")
    misfits = shape.misfits(value)
    if not misfits:
        return PASSED
    return Verdict(Says.REFUSE, "schema", f"The input does not fit its schema: {told(misfits)}")


def _language(wants: InputSettings, spoken: list[Spoken], identify: Identify) -> Verdict:
    text = "\n".join(text for text, source in spoken if source is Source.CALLER)
    says = Says(wants.on_language)
    return check_language(text, understood=wants.languages, says=says, identify=identify)


def _take_out(plan: InputPlan, asked: Asked) -> tuple[Verdict, InputReport]:
    """Look for personal data, and take it out unless it is only to be flagged or seen."""
    says = Says(plan.settings.personal_data)
    whole = (asked.body, dict(asked.variables), asked.arguments)
    nothing = InputReport((), None, {}, None)
    try:
        marks = Marks(plan.kinds, strings_of(whole))
        change = marks.count if says in {Says.FLAG, Says.HAND_OFF} else marks.redact
        body = rewrite_body(asked.body, change)
        variables = rewrite(whole[1], change)
        arguments = rewrite(asked.arguments, change)
    # Whatever goes wrong here, what the caller wrote must not get through.
    except Exception:  # noqa: BLE001
        return _FAILED, nothing
    if not marks.counts:
        return PASSED, InputReport((), asked.body, asked.variables, asked.arguments)
    counts = dict(sorted(marks.counts.items()))
    verdict = Verdict(says, "personal_data", f"The input holds {_listed(counts)}.", counts)
    if says in {Says.FLAG, Says.HAND_OFF}:
        return verdict, InputReport((), asked.body, asked.variables, asked.arguments)
    return verdict, InputReport((), body, variables, arguments, marks.originals)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {kind}" for kind, count in counts.items())
