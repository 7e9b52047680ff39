"""The effective configuration, where each value came from, and the schema for editors."""

import copy
import json
import tomllib
from typing import Any

import jsonschema_rs
import pytest

from seatrial.config import Config, load
from seatrial.config.shape import FEATURE, SERVICE, TARGET, settings_of
from seatrial.config.show import Row, schema, show
from tests.rooms.config.conftest import ENVIRON, EXAMPLE, Write

GOOD = tomllib.loads(EXAMPLE)


def test_every_value_is_shown_with_its_origin(write: Write) -> None:
    """File and line, the variable's name, an argument, or a default."""
    environ = ENVIRON | {"SEATRIAL_SERVICE__DRAIN_S": "5"}
    config = load(write(), environ=environ, overrides={"service.listen": "127.0.0.1:1"})
    rows = {row.path: row for row in show(config)}

    expected = [
        Row("service.listen", '"127.0.0.1:1"', "argument"),
        Row("service.store", '"sqlite:seatrial.db"', "seatrial.toml:4"),
        Row("service.drain_s", "5.0", "environment SEATRIAL_SERVICE__DRAIN_S"),
        Row("service.reload", "true", "default"),
        Row("targets.large.api_key", '"env:OPENAI_API_KEY"', "seatrial.toml:9"),
        Row("targets.large.timers.total_s", "none", "default"),
        Row("features.support.route", '["large", "small", "cache", "human"]', "seatrial.toml:20"),
        Row("features.support.requirements.peak_rpm", "60", "seatrial.toml:31"),
    ]
    assert expected == [rows[row.path] for row in expected]


def test_every_setting_has_a_row(example: Config) -> None:
    """What can be set is shown; what belongs to other kinds of target is not."""
    shown = {row.path for row in show(example)}

    for at, kinds in (
        ("service", SERVICE),
        ("targets.large", TARGET),
        ("features.support", FEATURE),
    ):
        for name in set(settings_of(kinds)) - {"call"}:
            assert any(path.startswith(f"{at}.{name}") for path in shown), f"{at}.{name}"
    assert not any(path.endswith(".call") for path in shown)


def test_no_secret_is_shown(write: Write) -> None:
    """Keys are shown as references; an address from the environment without its password."""
    environ = ENVIRON | {"SEATRIAL_SERVICE__STORE": "postgresql://me:word@db/records"}

    rows = show(load(write(), environ=environ))

    text = repr(rows)
    assert "secret-" not in text
    assert "word" not in text
    assert '"postgresql://…@db/records"' in {row.value for row in rows}


def test_tables_and_lists_are_shown_as_in_the_file(write: Write) -> None:
    """What is written as a table or list reads as one."""
    path = write("""
        [targets.local]
        base_url = ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]
        parameters = { temperature = 0.2, stop = ["a"], deep = { list = [{ a = 1 }] } }

        [features.support]
        route = ["local"]
    """)

    rows = {row.path: row for row in show(load(path, environ={}))}

    assert (
        Row("targets.local.parameters.temperature", "0.2", "seatrial.toml:4")
        == (rows["targets.local.parameters.temperature"])
    )
    assert '["a"]' == rows["targets.local.parameters.stop"].value
    assert "[{a = 1}]" == rows["targets.local.parameters.deep.list"].value
    assert '["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]' == (
        rows["targets.local.base_url"].value
    )


def test_schema_is_a_schema_and_takes_the_example() -> None:
    """Draft 2020-12, and the design's example fits it."""
    content = schema()

    assert "https://json-schema.org/draft/2020-12/schema" == content["$schema"]
    jsonschema_rs.meta.validate(content)
    jsonschema_rs.Draft202012Validator(content).validate(GOOD)
    json.dumps(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("service", "listen"), 8080),
        (("service", "listn"), "127.0.0.1:1"),
        (("service", "log"), "jason"),
        (("service", "retention_days"), 0),
        (("targets", "large", "provider"), "antropic"),
        (("targets", "large", "api_key"), 5),
        (("targets", "Large One"), {"model": "m"}),
        (("targets", "large", "timers"), {"connect_s": 0}),
        (("targets", "large", "timers"), {"conect_s": 1}),
        (("features", "support", "route"), "large"),
        (("features", "support", "route"), None),
        (("features", "support", "requirements", "availability"), 99.9),
        (("features", "support", "requirements", "deadline_s"), "10s"),
        (("features", "support", "oversight"), {"start": "review_all"}),
        (("extra",), {}),
    ],
    ids=str,
)
def test_schema_refuses_what_loading_refuses(path: tuple[str, ...], value: Any) -> None:
    """An editor marks what the program would refuse; None takes the key out."""
    bad = copy.deepcopy(GOOD)
    inner = bad
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    if value is None:
        del inner[path[-1]]

    assert not jsonschema_rs.Draft202012Validator(schema()).is_valid(bad)


def test_schema_describes_every_setting() -> None:
    """The words of the settings' docstrings reach the editor."""
    content = schema()
    tables = [each for name, each in content["$defs"].items() if "properties" in each]

    missing = [
        f"{table['title']}.{name}"
        for table in tables
        for name, setting in table["properties"].items()
        if not setting.get("description")
    ]
    assert [] == missing
    assert len(tables) >= 7
