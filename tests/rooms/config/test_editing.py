"""One value changed in a file that people wrote: nothing else may move."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import editing
from seatrial.config.editing import CannotEdit, set_value

PATH = ("features", "support", "budgets", "usd_month")
ROUTE = 'route = ["large", "say"]  # [not.a.header]\n'

CASES = {
    "the value stands there": (
        (
            f"[features.support]\n{ROUTE}\n[features.support.budgets]\n"
            "usd_month   =  40.0   # agreed in May\nusd_day = 2\n"
        ),
        (
            f"[features.support]\n{ROUTE}\n[features.support.budgets]\n"
            "usd_month   =  50   # agreed in May\nusd_day = 2\n"
        ),
    ),
    "the section is there": (
        (
            f"[features.support]\n{ROUTE}\n[features.support.budgets] # money\n\n"
            "  usd_day = 2 # a day\n# usd_month = 10\n\n[targets.x]\nmodel='x'\n"
        ),
        (
            f"[features.support]\n{ROUTE}\n[features.support.budgets] # money\n\n"
            "  usd_day = 2 # a day\n  usd_month = 50\n# usd_month = 10\n\n[targets.x]\nmodel='x'\n"
        ),
    ),
    "the section is empty": (
        f"[features.support]\n{ROUTE}[features.support.budgets]\n# nothing yet\n",
        f"[features.support]\n{ROUTE}[features.support.budgets]\nusd_month = 50\n# nothing yet\n",
    ),
    "no section yet": (
        (
            f'[features.support]\n{ROUTE}say = """\n[features.other]\n"""\n# prompt = "a.md"\n\n'
            "# next\n[targets.x]\nmodel = 'x'\n"
        ),
        (
            f'[features.support]\n{ROUTE}say = """\n[features.other]\n"""\n# prompt = "a.md"\n\n'
            "[features.support.budgets]\nusd_month = 50\n\n# next\n[targets.x]\nmodel = 'x'\n"
        ),
    ),
    "behind the feature's last section": (
        f"[features.support]\n{ROUTE}\n[features.support.input]\nmax_chars = 5",
        (
            f"[features.support]\n{ROUTE}\n[features.support.input]\nmax_chars = 5\n\n"
            "[features.support.budgets]\nusd_month = 50\n"
        ),
    ),
    "in braces": (
        f"[features.support]\n{ROUTE}budgets = {{ usd_day = 2 }} # money\n",
        f"[features.support]\n{ROUTE}budgets = {{ usd_day = 2, usd_month = 50 }} # money\n",
    ),
    "changed in braces": (
        f"[features.support]\n{ROUTE}budgets = {{ usd_month=40,usd_day = 2 }}\n",
        f"[features.support]\n{ROUTE}budgets = {{ usd_month=50,usd_day = 2 }}\n",
    ),
    "in empty braces": (
        f"[features.support]\n{ROUTE}budgets = {{}}\n",
        f"[features.support]\n{ROUTE}budgets = {{ usd_month = 50 }}\n",
    ),
    "with dots": (
        f"[features.support]\n{ROUTE}budgets.usd_day = 2\nsay = 'x'\n",
        f"[features.support]\n{ROUTE}budgets.usd_day = 2\nbudgets.usd_month = 50\nsay = 'x'\n",
    ),
    "a feature with dots": (
        f"[features]\nsupport.{ROUTE}other.route = ['say']\n",
        f"[features]\nsupport.{ROUTE}support.budgets.usd_month = 50\nother.route = ['say']\n",
    ),
    "a feature in braces": (
        "[features]\nsupport = { route = ['say'], input = { max_chars = 3 } }\n",
        (
            "[features]\nsupport = { route = ['say'], input = { max_chars = 3 }, "
            "budgets.usd_month = 50 }\n"
        ),
    ),
    "a name in quotes": (
        f'[ features . "support" ]\n{ROUTE}',
        f'[ features . "support" ]\n{ROUTE}\n[features.support.budgets]\nusd_month = 50\n',
    ),
    "lines of Windows": (
        "[features.support]\r\nroute = [\r\n  'say', # last\r\n]\r\n",
        (
            "[features.support]\r\nroute = [\r\n  'say', # last\r\n]\r\n\r\n"
            "[features.support.budgets]\r\nusd_month = 50\r\n"
        ),
    ),
    "a mark of order": (
        "\ufeff[features.support.budgets]\nusd_month = 1",
        "\ufeff[features.support.budgets]\nusd_month = 50",
    ),
    "an empty file": ("", "[features.support.budgets]\nusd_month = 50\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_value_changes(name: str) -> None:
    """Comments, order, indents and line ends stay; a second time nothing changes at all."""
    before, after = CASES[name]

    assert after == set_value(before, PATH, "50")
    assert after == set_value(after, PATH, "50")
    assert 50 == value_at(tomllib.loads(after.removeprefix("\ufeff")), PATH)


def test_a_value_in_the_way_is_left_to_people() -> None:
    """A list of tables, or a number where a table should be."""
    for text in ("[[features]]\nx = 1\n", "features = 3\n", "[features]\nsupport = 3\n"):
        with pytest.raises(CannotEdit):
            set_value(text, PATH, "50")


@pytest.mark.parametrize("wrong", ["[a]\nb = 2\nc = 3\n", "[a]\nb = 1\n", "[a\nb = 2\n"])
def test_what_came_out_wrong_is_never_given(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a layout that is not understood would lead to."""
    monkeypatch.setattr(editing, "_edit", lambda text, path, value: wrong)

    with pytest.raises(CannotEdit):
        set_value("[a]\nb = 1\n", ("a", "b"), "2")


def value_at(values: Any, path: tuple[str, ...]) -> Any:
    """The value at a path; None when there is none."""
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values


NAMES = st.sampled_from(["a", "b", "c-d", "e f", 'g"h', "ü"])
VALUES = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    st.sampled_from(["", "x", "# no", "]", "}", '"""', "a\nb", "= 1", "\\"]),
)
TREES = st.recursive(
    VALUES, lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2)
)


def quoted(name: str) -> str:
    """A key or a text as TOML has it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def written(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", # ] }\n ".join(map(written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else str(value)


def laid_out(tree: dict[str, Any], path: str, styles: list[bool]) -> str:
    """A table, its tables in braces or under headers as the styles say."""
    lines, below = [f"[{path}] # here"] if path else [], []
    for name, value in tree.items():
        key = quoted(name)
        if isinstance(value, dict) and styles and styles.pop():
            below.append(laid_out(value, f"{path}.{key}" if path else key, styles))
        else:
            lines.append(f"  {key} = {written(value)} # {name.strip()}".replace("\n ", "\n   "))
    return "\n".join([*lines, "", *below])


@given(
    st.dictionaries(NAMES, TREES, max_size=4),
    st.lists(st.booleans(), max_size=12),
    st.lists(NAMES, min_size=2, max_size=4),
)
def test_any_file_is_changed_or_refused(
    tree: dict[str, Any], styles: list[bool], path: list[str]
) -> None:
    """What comes out says the same but for the one value, and loses no comment."""
    text = laid_out(tree, "", styles)
    before = tomllib.loads(text)
    try:
        after = set_value(text, tuple(path), "77")
    except CannotEdit:
        ways = [value_at(before, tuple(path[:depth])) for depth in range(1, len(path))]
        assert any(way is not None and not isinstance(way, dict) for way in ways)
        return
    values = tomllib.loads(after)

    assert 77 == value_at(values, tuple(path))
    assert text.count("#") <= after.count("#") or value_at(before, tuple(path)) is not None
