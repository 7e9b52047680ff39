"""Every exception that Seatrial raises, in one tree.

    SeatrialError
    ├── Misuse                  you asked for something that cannot be
    │   ├── ConfigError         seatrial.toml has problems, all of them listed
    │   ├── UnknownFeature      no feature of that name
    │   ├── MissingVariable     a prompt's variable has no value
    │   └── BadRequest          the request itself is not well formed
    └── Unavailable             the other side, or the machine, failed
        ├── NoTargetLeft        nothing on the route gave a valid answer
        ├── StoreUnavailable    the store did not take or give what it should
        ├── CountersUnavailable  the shared counters did not answer in time
        └── StartRefused        starting would have been unsafe or useless

Inside the house failures are values; these are for callers.
"""

from __future__ import annotations

from dataclasses import dataclass


class SeatrialError(Exception):
    """An error that says what happened, why, and what to do.

    Args:
        message: what happened, one sentence.
        why: the reason, one sentence or more; may be empty.
        fix: what the reader can do about it; may be empty.
    """

    code = "error"  # stable for ever; `gateway/faults.py` maps it to HTTP

    def __init__(self, message: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.why, self.fix) if part)


class Misuse(SeatrialError):
    """The caller asked for something that cannot be."""

    code = "misuse"


class BadRequest(Misuse):
    """The request is not well formed; `param` names the offending part."""

    code = "invalid_request"

    def __init__(
        self, message: str, *, why: str = "", fix: str = "", param: str | None = None
    ) -> None:
        super().__init__(message, why=why, fix=fix)
        self.param = param


class UnknownFeature(Misuse):
    """No feature of that name is configured."""

    code = "model_not_found"


class MissingVariable(Misuse):
    """A prompt names a variable that the request did not give."""

    code = "missing_variable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration.

    Args:
        path: where, as dotted keys: `features.support.route[2]`.
        message: what is wrong and, where it helps, why.
        hint: what to write instead, such as the nearest known name; may be empty.
        line: of the file, counted from 1; 0 when it stands on none.
    """

    path: str
    message: str
    hint: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.path} (line {self.line})" if self.line else self.path
        return f"{place}: {self.message}" + (f" {self.hint}" if self.hint else "")


class ConfigError(Misuse):
    """The configuration has problems; `problems` lists every one of them."""

    code = "bad_configuration"

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
        super().__init__(f"{source} has {count}.", why="\n".join(f"  {p}" for p in problems))
        self.source = source
        self.problems = problems


class Unavailable(SeatrialError):
    """The other side, or the machine, failed."""

    code = "unavailable"


class NoTargetLeft(Unavailable):
    """Nothing on the route gave a valid answer; `record_id` leads to the attempts."""

    code = "no_target_left"

    def __init__(
        self, message: str, *, why: str = "", fix: str = "", record_id: str = "", code: str = ""
    ) -> None:
        super().__init__(message, why=why, fix=fix)
        self.record_id = record_id
        if code:
            self.code = code


class StoreUnavailable(Unavailable):
    """The store did not take or give what it should."""

    code = "store_unavailable"


class CountersUnavailable(Unavailable):
    """The shared counters did not answer in time."""

    code = "counters_unavailable"


class StartRefused(Unavailable):
    """Starting would have been unsafe or useless."""

    code = "start_refused"
