"""Secrets by reference: `env:NAME` and `file:PATH`.  Nothing here ever shows a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seatrial.values.secrets import Secret

MOST_BYTES: Final = 64 * 1024

_TELLING: Final = re.compile(
    r"(?i)((?:api[_-]?keys?|key|token|secret|passw(?:or)?d|auth(?:orization)?|cookie|credentials?)"
    r"[\"']?\s*[=:]\s*)\S.*"
)
_USERINFO: Final = re.compile(r"(://)[^/@\s\"']*@")
_LIKE_A_KEY: Final = re.compile(r"\b(?:(?:sk|pk|rk|xai|gsk|ghp)[-_]|AIza)[A-Za-z0-9_-]{12,}")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something named in the file cannot be used, and what to do about it."""

    message: str
    hint: str = ""


def is_reference(text: str) -> bool:
    """Say whether a text points to a secret rather than being one.

    >>> is_reference("env:OPENAI_API_KEY"), is_reference("sk-123")
    (True, False)
    """
    return text.startswith(("env:", "file:"))


def is_secret_name(name: str) -> bool:
    """Say whether a header or parameter of that name is likely to hold a secret.

    >>> is_secret_name("X-Api-Key"), is_secret_name("max_tokens")
    (True, False)
    """
    return bool(_TELLING.search(f"{name} = x"))


def conceal(text: str) -> str:
    """Return a text for people's eyes, without what looks like a secret in it.

    >>> conceal('api_key = sk-abc')
    'api_key = …'
    >>> conceal('store = "postgresql://me:word@db/records"')
    'store = "postgresql://…@db/records"'
    """
    return mask(_TELLING.sub(r"\1…", text))


def mask(text: str) -> str:
    """Return a text without passwords in addresses and without well-known forms of keys."""
    return _LIKE_A_KEY.sub("…", _USERINFO.sub(r"\1…@", text))


def file_of(reference: str, folder: Path) -> Path | None:
    """Return the file a reference points to; None for `env:`."""
    kind, _, rest = reference.partition(":")
    return folder / Path(rest).expanduser() if kind == "file" else None


def resolve(reference: str, *, environ: Mapping[str, str], folder: Path) -> Secret | Fault:
    """Return the secret that a reference points to, or why there is none.

    Args:
        reference: `env:NAME`, or `file:PATH` relative to `folder`.
        environ: the environment.
        folder: of the configuration file.
    """
    file = file_of(reference, folder)
    if file is None:
        name = reference.partition(":")[2]
        source = f"the environment variable {name}"
        found = _from_environment(name, environ)
    else:
        source = f"the file {file}"
        found = _from_file(file)
    if isinstance(found, Fault):
        return found
    text = found.strip()
    if not text:
        return Fault(f"{source} is empty.", "Put the secret there, and nothing else.")
    if not text.isprintable() or not text.isascii():
        return Fault(
            f"{source} holds more than one line, or signs that no secret has.",
            "Put the secret there on one line, and nothing else.",
        )
    return Secret(text)


def _from_environment(name: str, environ: Mapping[str, str]) -> str | Fault:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        hint = "Write env: and a variable's name, such as env:OPENAI_API_KEY."
        return Fault("env: is not followed by the name of an environment variable.", hint)
    if name not in environ:
        hint = f"Set it where Seatrial starts: export {name}=…"
        return Fault(f"there is no environment variable {name}.", hint)
    return environ[name]


def _from_file(file: Path) -> str | Fault:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        hint = "A path that does not start with / starts at the folder of this file."
        return Fault(f"there is no file {file}.", hint)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        hint = "It must be a file that this user may read."
        return Fault(f"the file {file} cannot be read: {reason}.", hint)
    if len(content) > MOST_BYTES:
        return Fault(f"the file {file} is too large to be a secret.", "Name the right file.")
    return content.decode("utf-8", errors="replace")
