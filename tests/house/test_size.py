"""Functions and files stay short, or say why they do not.

A line `# long: <reason>`, above or on the line that opens a function, lets it be
longer; in a file's first lines, before its code, it lets the file be longer.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("seatrial", "tests", "bench")
    for path in (ROOT / folder).rglob("*.py")
)
LONGEST_FUNCTION_LINES = 60  # its docstring not counted
LONGEST_FILE_LINES = 500
EXCUSE = re.compile(r"# long: \S+")


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines from `def` to its end, its docstring left out."""
    assert function.end_lineno is not None
    docstring = 0
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None and first.end_lineno is not None:
        docstring = first.end_lineno - first.lineno + 1
    return function.end_lineno - function.lineno + 1 - docstring


def too_long(source: str) -> Iterator[str]:
    """Yield a complaint for the file and for each function that is long without an excuse."""
    lines = source.splitlines()
    head = [line for line in lines[:15] if line.startswith("#")]
    if len(lines) > LONGEST_FILE_LINES and not any(EXCUSE.search(line) for line in head):
        yield f"the file has {len(lines)} lines"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        opening = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        beside = lines[max(0, opening - 2) : node.body[0].lineno]
        if lines_of(node) > LONGEST_FUNCTION_LINES and not any(map(EXCUSE.search, beside)):
            yield f"line {node.lineno}: {node.name} has {lines_of(node)} lines"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_file_and_functions_are_short(path: Path) -> None:
    """Nothing is long without a written reason."""
    assert [] == list(too_long((ROOT / path).read_text()))


def function_of(lines: int, docstring: int = 0) -> str:
    """Write a function of that many lines, docstring beside them."""
    opening = ["def walk():"]
    if docstring:
        opening.append('    """' + "\n" * (docstring - 1) + '    """')
    return "\n".join([*opening, *["    step()"] * (lines - 1), ""])


def test_long_function_is_named() -> None:
    """The sixty-first line counts, a docstring does not."""
    assert [] == list(too_long(function_of(60)))
    assert [] == list(too_long(function_of(60, docstring=30)))
    assert ["line 1: walk has 61 lines"] == list(too_long(function_of(61)))


def test_long_file_is_named() -> None:
    """The five hundred and first line counts."""
    assert [] == list(too_long("x = 1\n" * 500))
    assert ["the file has 501 lines"] == list(too_long("x = 1\n" * 501))


def test_reason_excuses() -> None:
    """A written reason lets a function and a file be long; an empty one does not."""
    assert [] == list(too_long("# long: one table\n" + function_of(61)))
    assert [] == list(too_long("# long: one table\n" + "x = 1\n" * 501))
    assert 1 == len(list(too_long("# long:\n" + function_of(61))))
