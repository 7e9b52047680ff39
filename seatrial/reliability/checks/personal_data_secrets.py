"""Keys and tokens that open something: known by the forms that their issuers give them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Final

# What a text must hold before its pattern is worth a look, and the pattern.  A token starts
# where no sign of its own kind stands before it: each sign is then looked at once.
_START: Final = r"(?<![A-Za-z0-9_-])"
_FORMS: Final = tuple(
    (needle, re.compile(pattern))
    for needle, pattern in (
        ("sk-", _START + r"sk-[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic and their kin
        ("_live_", _START + r"(?:sk|rk|pk)_live_[A-Za-z0-9]{16,}"),  # Stripe
        ("_test_", _START + r"(?:sk|rk)_test_[A-Za-z0-9]{16,}"),
        ("whsec_", _START + r"whsec_[A-Za-z0-9+/=]{24,}"),
        ("AKIA", _START + r"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),  # AWS
        ("ASIA", _START + r"ASIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("gh", _START + r"gh[pousr]_[A-Za-z0-9]{36,}"),  # GitHub
        ("github_pat_", _START + r"github_pat_[A-Za-z0-9_]{22,}"),
        ("glpat-", _START + r"glpat-[A-Za-z0-9_-]{20,}"),  # GitLab
        ("xox", _START + r"xox[abeprs]-[A-Za-z0-9-]{10,}"),  # Slack
        ("AIza", _START + r"AIza[A-Za-z0-9_-]{35}"),  # Google
        ("ya29.", _START + r"ya29\.[A-Za-z0-9_-]{20,}"),
        ("npm_", _START + r"npm_[A-Za-z0-9]{36}"),
        ("pypi-", _START + r"pypi-[A-Za-z0-9_-]{40,}"),
        ("hf_", _START + r"hf_[A-Za-z0-9]{30,}"),  # Hugging Face
        ("SG.", _START + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
        ("eyJ", _START + r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),  # JWT
        ("st_", _START + r"st_[A-Za-z0-9_-]{24,}"),  # Seatrial's own
        (
            "-----BEGIN",
            (
                r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,]|-(?!-))*"
                r"(?:-----END [A-Z ]{0,24}PRIVATE KEY-----)?"
            ),
        ),
        ("://", r"(?<=://)[^\s/:@]{1,64}:[^\s/@]{3,128}(?=@)"),  # name and password of an address
    )
)
# Those that need no long run of such signs; every other one needs so many.
_LOOSE_FORMS: Final = tuple(form for form in _FORMS if form[0] in {"-----BEGIN", "://"})
LEAST_SECRET: Final = 15
_SIGNS: Final = bytes(
    ord("a") if chr(code) in f"{string.ascii_letters}{string.digits}_-.+/=" else 0
    for code in range(256)
)
# `password = …`: only when the value looks random, that is, has letters and digits.
_ASSIGNED: Final = re.compile(
    r"(?i)(?<![a-z])(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token)"
    r"[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?([^\s\"',;<>]{10,256})"
)
_ASSIGNMENTS: Final = ("password", "passwd", "secret", "key", "token")


def secrets_in(text: str) -> Iterator[tuple[int, int]]:
    """Iterate over the places of keys, tokens and passwords in a text, as start and end.

    >>> list(secrets_in("use AKIAIOSFODNN7EXAMPLE"))
    [(4, 24)]
    """
    for needle, form in _FORMS if has_long_run(text) else _LOOSE_FORMS:
        if needle in text:
            yield from (match.span() for match in form.finditer(text))
    if "=" in text or ":" in text:
        small = text.lower()
        if any(map(small.__contains__, _ASSIGNMENTS)):
            for match in _ASSIGNED.finditer(text):
                value = match[1]
                if re.search(r"\d", value) and re.search(r"[A-Za-z]", value):
                    yield match.span(1)


def has_long_run(text: str) -> bool:
    """Whether so many signs follow each other as every token has, without a gap."""
    return b"a" * LEAST_SECRET in text.encode("utf-8", "replace").translate(_SIGNS)
