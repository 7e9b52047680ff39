"""Behaviour of reading what a feature's input is checked for."""

from pathlib import Path

from seatrial.config import build_plans, load
from seatrial.config.checks import check_input
from seatrial.config.reading import Reading
from seatrial.reliability.checks.settings import InputSettings
from seatrial.reliability.judging import Judge
from seatrial.values.checks import Says

TOML = """
[targets.large]
model = "large"
base_url = "http://127.0.0.1:1/v1"

[targets.judge]
model = "small"
base_url = "http://127.0.0.1:2/v1"

[features.support]
route = ["large"]
"""
INPUT = """
[features.support.input]
schema = "order.json"
checks = ["known:product"]
injection_judge = "judge"
check_s = 2
"""


def write(folder: Path, text: str, *, schema: str = '{"type": "object"}') -> Path:
    """Write a configuration and the files that it names."""
    (folder / "order.json").write_text(schema)
    (folder / "known.py").write_text("def product(text):\n    return True\n")
    (folder / "seatrial.toml").write_text(text)
    return folder / "seatrial.toml"


def test_schema_and_functions_are_found(tmp_path: Path) -> None:
    """What the settings name is there, and nobody says that the judge is never asked."""
    config = load(write(tmp_path, TOML + INPUT))

    found = config.inputs["support"]
    assert found.shape is not None
    assert found.shape.fits({})
    assert list(found.functions) == ["known:product"]
    assert config.warnings == ()
    assert tmp_path / "order.json" in config.files


def test_release_changes_with_what_decides(tmp_path: Path) -> None:
    """The schema's content counts; how long a check may take does not."""

    def release(text: str, schema: str = "{}") -> str:
        return build_plans(load(write(tmp_path, text, schema=schema)))["support"].release

    assert release(TOML) == release(TOML + "[features.support.input]\ncheck_s = 3\n")
    assert release(TOML) != release(TOML + INPUT)
    assert release(TOML + INPUT) != release(TOML + INPUT, schema='{"type": "array"}')
    assert release(TOML + INPUT) == release(TOML + INPUT.replace("check_s = 2", "check_s = 3"))
    judged = TOML + INPUT
    assert release(judged) != release(judged.replace('model = "small"', 'model = "smaller"'))
    assert release(judged) == release(
        judged.replace("judge", "referee").replace("_referee", "_judge")
    )


def test_judge_is_part_of_the_plan(tmp_path: Path) -> None:
    """With its target's rules, what follows, and its own time; without injection it is not."""

    def judge(text: str) -> Judge | None:
        return build_plans(load(write(tmp_path, text)))["support"].judge

    found = judge(TOML + INPUT)
    assert found is not None
    assert ("judge", Says.FLAG, 2.0) == (found.target.name, found.says, found.limit_s)
    assert judge(TOML) is None
    assert judge(TOML + INPUT + 'injection = "off"\n') is None


def test_missing_extra_is_told(tmp_path: Path) -> None:
    """Languages need the extra `lang`, and the message says how it is had."""
    reading = Reading(tmp_path, {})

    check_input(InputSettings(languages=("cy",)), ("input",), (), reading, has=lambda _: False)

    (problem,) = reading.problems
    assert "seatrial[lang]" in str(problem)


def test_null_is_no_schema(tmp_path: Path) -> None:
    """A file that holds null is told apart from a file that is not there."""
    reading = Reading(tmp_path, {})
    (tmp_path / "s.json").write_text("null")

    from seatrial.config.checks import find_checks

    find_checks(InputSettings(schema="s.json"), ("input",), reading)

    assert "an object" in str(reading.problems[0])
