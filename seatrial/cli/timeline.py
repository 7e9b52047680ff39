"""One record as a picture in text: each attempt on one axis of time."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from seatrial.cli import terminal
from seatrial.values.chat import last_user_text
from seatrial.values.prices import READ, WRITTEN
from seatrial.values.records import AttemptRecord, Record

WAITING: Final = "░"
SPEAKING: Final = "█"
NOT_CALLED: Final = "·"
NARROWEST_BAR: Final = 12


def draw(record: Record, *, width: int) -> Group:
    """Return the record for a console of `width` columns."""
    return Group(
        _heading(record), "", _texts(record, width), "", *_attempts(record, width), "", _end(record)
    )


def _heading(record: Record) -> Text:
    who = [f"user {record.user}"] if record.user else []
    who += [f"session {record.session}"] if record.session else []
    who += [f"key {record.key_id}"] if record.key_id else []
    facts = [record.feature, terminal.moment(record.started_at), *who]
    if record.stream:
        facts.append("streamed")
    title = Text(record.id, style="bold")
    title.append("\n" + " · ".join(facts), style="not bold dim")
    return title


def _texts(record: Record, width: int) -> Table:
    messages = (record.input or {}).get("messages")
    output = record.output or {}
    said = output.get("text") or output.get("refusal") or ""
    if not said and output.get("tool_calls"):
        said = f"{len(output['tool_calls'])} tool calls"
    asked = last_user_text(messages) if isinstance(messages, list) else None
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", width=8)
    grid.add_column(max_width=max(20, width - 12))
    for name, text in (("asked", asked), ("answered", said)):
        kept = "(not kept)" if text is None else text or "(nothing)"
        grid.add_row(name, Text(terminal.shorten(_printable(kept), 400)))
    return grid


def _attempts(record: Record, width: int) -> list[Any]:
    if not record.attempts:
        return [Text("No target was tried.", style="dim")]
    names = [_name(attempt) for attempt in record.attempts]
    left = max(map(len, names)) + 2
    bar = max(NARROWEST_BAR, min(48, width - left - 36))
    whole_s = max(record.took_s, *(a.started_s + a.took_s for a in record.attempts), 1e-6)
    lines: list[Any] = [_axis(left, bar, whole_s)]
    for name, attempt in zip(names, record.attempts, strict=True):
        lines.append(_row(name, attempt, left=left, bar=bar, whole_s=whole_s, width=width))
        if attempt.reason:
            reason = Text(terminal.shorten(_printable(attempt.reason), 200), style="dim")
            lines.append(Text(" " * left).append(reason))
    if any(attempt.first_token_s is not None for attempt in record.attempts):
        lines.append(Text(" " * left + f"{WAITING} waiting  {SPEAKING} answering", "dim"))
    return lines


def _name(attempt: AttemptRecord) -> str:
    return f"{attempt.tier} {attempt.target}" + (f", try {attempt.turn + 1}" * bool(attempt.turn))


def _axis(left: int, bar: int, whole_s: float) -> Text:
    end = terminal.seconds(whole_s)
    return Text(" " * left + "0" + end.rjust(bar - 1), style="dim")


def _row(
    name: str, attempt: AttemptRecord, *, left: int, bar: int, whole_s: float, width: int
) -> Text:
    colour = "green" if not attempt.cause else "red" if attempt.sent else "dim"
    row = Text(name.ljust(left), no_wrap=True, overflow="ellipsis")
    row.append(_bar(attempt, bar, whole_s).ljust(bar), style=colour)
    row.append(f"{terminal.seconds(attempt.took_s):>8}  ")
    row.append(attempt.cause or "answered", style=colour)
    details = [f"HTTP {attempt.status}"] if attempt.status and attempt.cause else []
    details += [_tokens(attempt.usage)] if attempt.usage else []
    row.append("".join(f"  {detail}" for detail in details), style="dim")
    row.truncate(width, overflow="ellipsis")
    return row


def _bar(attempt: AttemptRecord, bar: int, whole_s: float) -> str:
    start = min(bar - 1, int(attempt.started_s / whole_s * bar))
    if not attempt.sent and attempt.cause:
        return " " * start + NOT_CALLED
    length = max(1, min(bar - start, round(attempt.took_s / whole_s * bar)))
    quiet_s = attempt.took_s if attempt.first_token_s is None else attempt.first_token_s
    quiet = length if attempt.cause and attempt.first_token_s is None else 0
    if attempt.first_token_s is not None and attempt.took_s > 0:
        quiet = min(length - (not attempt.cause), round(quiet_s / attempt.took_s * length))
    return " " * start + WAITING * quiet + SPEAKING * (length - quiet)


def _tokens(usage: dict[str, Any]) -> str:
    """Say how many tokens were read and written.

    >>> _tokens({"input_tokens": 12, "output_tokens": 40})
    '12 tokens in, 40 out'
    """
    read = sum(int(usage.get(name) or 0) for name in READ)
    written = sum(int(usage.get(name) or 0) for name in WRITTEN)
    return f"{read} tokens in, {written} out"


def _end(record: Record) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", width=8)
    grid.add_column()
    colour = terminal.COLOURS.get(record.decision, "")
    by = f" by {record.target} (tier {record.tier})" if record.target else ""
    code = f" ({record.code})" if record.code else ""
    decision = Text(record.decision, style=colour)
    decision.append(f"{code}{by} after {terminal.seconds(record.took_s)}", style="default")
    if record.cut:
        decision.append(f", cut after {record.sent_pieces} pieces", style="red")
    grid.add_row("decision", decision)
    age = None if record.cached_age_s is None else terminal.seconds(record.cached_age_s)
    facts = (
        ("because", record.reason),
        ("checks", _checks(record)),
        ("cost", _cost(record)),
        ("age", f"the cached answer was {age} old" if age else ""),
        ("release", record.release),
        ("prompt", record.prompt_version),
        ("called at", record.call_site),
        ("tags", ", ".join(record.tags)),
        ("flags", ", ".join(record.flags)),
    )
    for name, fact in facts:
        if fact:
            grid.add_row(name, Text(_printable(fact)))
    return grid


def _checks(record: Record) -> str:
    """Say what checks had to say, a line each, and how many passed."""
    lines = []
    for each in record.checks:
        if each.verdict == "pass":
            continue
        about = (
            f"{each.check} of try {each.attempt + 1}" if each.attempt is not None else each.check
        )
        lines.append(f"{each.verdict} by {about}: {each.reason or each.code or 'no reason given'}")
    passed = [each.check for each in record.checks if each.verdict == "pass"]
    if passed:
        lines.append(f"passed: {', '.join(dict.fromkeys(passed))}")
    return "\n".join(lines)


def _cost(record: Record) -> str:
    sent = sum(attempt.sent for attempt in record.attempts)
    if not sent:
        return ""
    if record.cost_usd is None:
        return "unknown"
    more = f", and {record.unpriced} of {sent} attempts unknown" if record.unpriced else ""
    return f"${record.cost_usd:f}{more}"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)
