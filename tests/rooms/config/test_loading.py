"""What a good file becomes, and which value wins."""

import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.config import Config, attempt, load
from seatrial.config.features import Requirements
from seatrial.errors import ConfigError
from seatrial.reliability.limits import LimitSettings, TargetLimits
from seatrial.reliability.settings import TargetRules
from seatrial.values.secrets import Secret
from tests.rooms.config.conftest import ENVIRON, EXAMPLE, Write


def test_example_becomes_values(example: Config, tmp_path: Path) -> None:
    """The design's example is read into the rooms' own settings."""
    support = example.features["support"]

    assert ("127.0.0.1", 8080) == example.listen
    assert ("large", "small", "cache", "human") == support.route
    assert Requirements(0.999, 0.05, 2.0, 1.0, 10, 500, 10_000, 60) == support.requirements
    assert "gpt-5.1" == example.targets["large"].model
    assert TargetRules("large") == example.rules["large"]
    assert ("customer",) == example.prompts["support"].variables
    assert f"sqlite:{tmp_path}/seatrial.db" == example.store.reveal()
    assert tmp_path / ".seatrial/journal" == example.journal
    assert () == example.warnings


def test_route_alone_is_enough(write: Write) -> None:
    """A feature with only a route is legal, and everything else has a default."""
    path = write("""
        [targets.local]
        base_url = "http://127.0.0.1:11434/v1"

        [features.support]
        route = ["local"]
    """)

    config = load(path, environ={})

    assert 60.0 == config.features["support"].requirements.deadline_s
    assert 180 == config.service.retention_days


def test_tables_of_a_target_become_its_rules(write: Write) -> None:
    """Timers, retries, breaker and limits of a target reach its rules."""
    path = write("""
        [targets.local]
        base_url = ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]
        concurrency = 4
        self_hosted = true
        timers = { connect_s = 1 }
        retry.tries = 3

        [targets.local.breaker]
        consecutive = 9

        [features.support]
        route = ["local"]
    """)

    rules = load(path, environ={}).rules["local"]

    assert (4, True) == (rules.concurrency, rules.self_hosted)
    assert (1, 3, 9) == (rules.timers.connect_s, rules.retry.tries, rules.breaker.consecutive)
    assert "model" == rules.kind


def test_secrets_come_from_where_they_are(example: Config) -> None:
    """References lead to the environment and to files; their text never shows."""
    expected = {"env:OPENAI_API_KEY": Secret("secret-o"), "file:keys/anthropic": Secret("secret-a")}

    assert expected == example.secrets
    assert "secret-" not in repr(example)


def test_argument_beats_environment_beats_file(write: Write) -> None:
    """Arguments win over the environment, which wins over the file, which wins over defaults."""
    path = write()
    environ = {
        **ENVIRON,
        "SEATRIAL_SERVICE__LISTEN": "127.0.0.1:1",
        "SEATRIAL_SERVICE__DRAIN_S": "7.5",
        "SEATRIAL_SERVICE__RELOAD": "false",
        "SEATRIAL_SERVICE__MAX_DEPTH": "9",
    }

    config = load(path, environ=environ, overrides={"service.listen": "127.0.0.1:2"})

    assert ("127.0.0.1", 2) == config.listen
    assert 7.5 == config.service.drain_s
    assert not config.service.reload
    assert 9 == config.service.max_depth
    assert "argument" == config.origins["service.listen"]
    assert "environment SEATRIAL_SERVICE__DRAIN_S" == config.origins["service.drain_s"]
    assert "seatrial.toml:4" == config.origins["service.store"]


def test_name_may_hold_any_sign(write: Write) -> None:
    """A quoted name is a name; the text around it still has its lines."""
    path = write("""
[targets."a=b#"]
provider = "openai"
model = "m"

[features.f]
route = ["a=b#"]
colour = 7
""")
    loaded = attempt(path)

    assert loaded.error is not None
    assert "colour" in str(loaded.error)
    assert "line 8" in str(loaded.error)


@pytest.mark.parametrize("text", ["\n\x1d\n", "\x00", "[", "\n\n=\n", "[a\n\n\n"])
def test_text_that_is_no_toml_is_told(text: str, write: Write) -> None:
    """Whatever the file holds, there is a sentence about it and no crash."""
    loaded = attempt(write(text))

    assert loaded.config is None
    assert loaded.error is not None


def test_argument_reaches_names_with_dots(write: Write) -> None:
    """A name with a dot is quoted in a path, as in the file."""
    path = write("""
        [targets."gpt-5.1"]
        base_url = "http://127.0.0.1:1/v1"
        model = "a"

        [features.support]
        route = ["gpt-5.1"]
    """)

    config = load(path, environ={}, overrides={'targets."gpt-5.1".model': "b"})

    assert "b" == config.targets["gpt-5.1"].model


def test_variables_that_others_set_do_no_harm(write: Write) -> None:
    """Kubernetes sets SEATRIAL_SERVICE_PORT for a service called seatrial."""
    environ = {**ENVIRON, "SEATRIAL_SERVICE_PORT": "80", "SEATRIAL_PORT": "tcp://10.0.0.1:80"}

    assert 8080 == load(write(), environ=environ).listen[1]


def test_store_may_be_a_reference(write: Write) -> None:
    """An address with a password comes from the environment, and does not show."""
    environ = {**ENVIRON, "DATABASE_URL": "postgres://me:word@db:5432/records"}

    config = load(write(), environ=environ, overrides={"service.store": "env:DATABASE_URL"})

    assert "postgresql://me:word@db:5432/records" == config.store.reveal()
    assert "word@" not in repr(config)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("valkey://db", "valkey://db"),
        ("rediss://db:6380/1", "valkeys://db:6380/1"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
        ("env:VALKEY_URL", "valkey://:word@db:6379/0"),
        ("", ""),
    ],
)
def test_counters_may_be_shared(write: Write, given: str, address: str) -> None:
    """Over the network, with TLS, through a socket or by reference; a password does not show."""
    environ = {**ENVIRON, "VALKEY_URL": "redis://:word@db:6379/0"}

    config = load(write(), environ=environ, overrides={"service.counters": given})

    assert address == config.counters.reveal()
    assert "word@" not in repr(config)


def test_limits_reach_the_feature_and_the_target(write: Write) -> None:
    """What is not written is not limited."""
    path = write("""
        [targets.local]
        base_url = "http://127.0.0.1:11434/v1"
        limits.tokens_minute = 90_000

        [features.support]
        route = ["local"]
        limits = { requests_minute = 60, key_tokens_day = 1_000_000 }
    """)

    config = load(path, environ={})

    limits = LimitSettings(requests_minute=60, key_tokens_day=1_000_000)
    assert limits == config.features["support"].limits
    assert TargetLimits(tokens_minute=90_000) == config.rules["local"].limits
    assert TargetLimits() == TargetRules("other").limits


def test_own_function_may_stand_in_a_route(write: Write) -> None:
    """A feature's own name in its route is the function decorated with it."""
    path = write('[features.triage]\nroute = ["triage", "say"]\nsay = "Later."\n')

    assert ("triage", "say") == load(path, environ={}).features["triage"].route


def test_function_of_a_target_is_found_beside_the_file(write: Write) -> None:
    """Modules are looked for in the folder of the file first."""
    text = """
        [targets.rules]
        provider = "python"
        call = "beside_the_file:answer"

        [features.support]
        route = ["rules"]
    """
    path = write(text, {"beside_the_file.py": "def answer(question): return question.upper()\n"})

    config = load(path, environ={})

    assert "HELLO" == config.functions["rules"]("hello")
    assert "python" == config.rules["rules"].kind


def test_all_problems_come_at_once_in_the_files_order(write: Write) -> None:
    """One run tells everything, across sections and kinds of mistake."""
    broken = (
        EXAMPLE.replace('"127.0.0.1:8080"', '"8080"')
        .replace('"large", "small"', '"larg", "small"')
        .replace("deadline_s = 10", 'deadline_s = "10s"')
    )

    with pytest.raises(ConfigError) as caught:
        load(write(broken), environ={})

    assert [
        "service.listen",
        "targets.large.api_key",
        "features.support.route[0]",
        "features.support.requirements.deadline_s",
    ] == [problem.path for problem in caught.value.problems]
    assert [3, 9, 20, 28] == [problem.line for problem in caught.value.problems]


def test_failed_reading_names_the_files_to_watch(write: Write, tmp_path: Path) -> None:
    """A prompt that is missing is watched too, so that writing it mends the configuration."""
    path = write()
    (tmp_path / "prompts/support.md").unlink()

    loaded = attempt(path, environ=ENVIRON)

    assert loaded.config is None
    assert "absent" == loaded.files[tmp_path / "prompts/support.md"]
    assert path in loaded.files


def test_lines_are_known_across_long_values(write: Write) -> None:
    """A value over several lines moves no other line."""
    path = write('''
        [targets.local]   # with a comment
        base_url = [
            "http://127.0.0.1:1/v1",   # ]
            "http://127.0.0.1:2/v1",
        ]
        "model" = """
        [targets.other]
        a = 1
        """
        concurrency = 4

        [features.support]
        route = ["local"]
    ''')

    origins = load(path, environ={}).origins

    assert "seatrial.toml:3" == origins["targets.local.base_url"]
    assert "seatrial.toml:7" == origins["targets.local.model"]
    assert "seatrial.toml:11" == origins["targets.local.concurrency"]
    assert "seatrial.toml:14" == origins["features.support.route"]


def test_windows_files_are_read(write: Write) -> None:
    """A byte order mark and Windows line ends are no mistakes."""
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert "seatrial.toml:8" == load(path, environ=ENVIRON).origins["targets.large.model"]


def test_importing_config_stays_light() -> None:
    """Only a check of a file needs pydantic."""
    check = "import seatrial.config, sys; assert 'pydantic' not in sys.modules"

    assert 0 == subprocess.run([sys.executable, "-c", check], timeout=60, check=False).returncode
