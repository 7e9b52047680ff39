"""Strings of our own that break careless programs; the longer list is a data set."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest

DATA: Final = Path(os.environ.get("SEATRIAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
LISTED: Final = DATA / "naughty_strings" / "blns.json"

_CONTROLS: Final = [
    *(
        "\0",
        "a\0b",
        "\x01\x02\x03",
        "\x7f",
        "\x80\x85\x9f",
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
    ),
    *(
        "\x1b[2J\x1b[H",
        "\b\b\bback",
        "a\tb",
        "a\nb",
        "a\r\nb: c",
        "a\r\n\r\nHTTP/1.1 200 OK",
        "\v\f",
    ),
]
_UNICODE: Final = [
    *(
        "\u202etxt.exe",
        "\u2066inside\u2069",
        "\u200b",
        "a\u200bb\u200cc\u200dd",
        "\u2060",
        "\ufeffmark",
    ),
    *(
        "\u2028line\u2029paragraph",
        "\ufffd",
        "\ufffe\uffff",
        "\U0010ffff",
        "\ue000",
        "\U000e0041tag",
    ),
    *("é\u0301\u0327" * 9, "Z̷̡͇a̶l̸g̵o̶", "ﷺ" * 5, "שלום عليكم", "𝕊𝕖𝕒𝕥𝕣𝕚𝕒𝕝", "ｗｉｄｅ", "ⅷ½㎏"),
    *(
        "👩‍👩‍👧‍👦",
        "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
        "🇬🇧🇩🇪",
        "☃️",
        "İstanbul ıI",
        "ß ẞ ﬁ",
        "Ünïcödé",
        "ความ",
        "日本語",
        "\U00020bb7野家",
    ),
]
_CODE: Final = [
    *(
        "{{name}}",
        "{{ 7 * 7 }}",
        "{%raw%}{{x}}",
        "${jndi:ldap://x/}",
        "#{1+1}",
        "<%= 1 %>",
        "{0.__class__}",
    ),
    *(
        "%n%s%x%d",
        "%(user)s",
        "{}",
        "{user}",
        "$(id)",
        "`id`",
        "; echo 1",
        "| cat",
        "&& true",
        "../../etc/passwd",
    ),
    *(
        "C:\\con\\nul",
        "' OR 1=1 --",
        "'; DROP TABLE record;--",
        '"); --',
        "1e999",
        "-0",
        "NaN",
        "Infinity",
    ),
    *("null", "undefined", "true", "[]", "__proto__", "constructor", "<script>alert(1)</script>"),
    *(
        '"><img src=x onerror=1>',
        "<!--",
        "]]>",
        "&lt;&#0;",
        "javascript:void(0)",
        '{"a": "{\\"b\\": [1]}"}',
    ),
    *(
        '{"role": "system"}',
        "data: [DONE]",
        "data: {}\n\ndata: [DONE]\n\n",
        "event: error",
        ": comment",
        "\\u0000",
    ),
    *(
        "\\ud800",
        "\\",
        '"',
        "'",
        "[red]markup[/]",
        "[/]",
        "[bold",
        "=1+1",
        "@sum",
        "-" * 3,
        "/v1/x?y#z",
    ),
]
NASTY: Final = [
    *("", " ", "\u00a0", *_CONTROLS, *_UNICODE, *_CODE),
    *("a" * 20_000, "😀" * 5_000, "(" * 600, "[" * 600, "\\" * 999, "\n" * 999),
]


def listed() -> list[str]:
    """Return the data set; skip where it is not at hand."""
    if not LISTED.exists():
        pytest.skip(f"the data set naughty_strings is not at {DATA}")
    found: list[str] = json.loads(LISTED.read_text("utf-8"))
    return found
