"""A first service from the command line: init, check, ask, records, config, keys, migrate."""

from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.errors import Misuse
from tests.doors.cli.conftest import Ran, Run

ORDER = "Where is my order?"


def write(service: Path, old: str, new: str) -> None:
    """Change the configuration."""
    file = service / "seatrial.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


# --- init ------------------------------------------------------------------------------------


def test_starter_is_clean(run: Run, service: Path) -> None:
    """What `init` writes passes `check` without a warning."""
    checked = run("check", "--json")

    assert 0 == checked.code
    assert (True, [], []) == tuple(checked.json[key] for key in ("ok", "problems", "warnings"))
    feature = checked.json["features"][0]
    assert ("support", ["answers", "cache", "say"]) == (feature["name"], feature["route"])
    assert feature["release"]


def test_init_overwrites_nothing(run: Run, service: Path) -> None:
    """A second `init` keeps every file, and says so."""
    (service / "answers.py").write_text("mine")
    before = (service / ".gitignore").read_text()
    again = run("init", service, "--json")

    assert 0 == again.code
    assert [] == again.json["written"]
    assert ["seatrial.toml", "answers.py", "prompts/support.md", ".gitignore"] == again.json["kept"]
    assert "mine" == (service / "answers.py").read_text()
    assert before == (service / ".gitignore").read_text()


def test_init_adds_to_gitignore(run: Run, tmp_path: Path) -> None:
    """Lines that are missing are added below those that are there."""
    (tmp_path / ".gitignore").write_text("*.pyc")
    run("init", tmp_path)

    assert "*.pyc\nseatrial.db*\n.seatrial/\n" == (tmp_path / ".gitignore").read_text()


def test_init_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    """The next three commands are printed, and where to go for them."""
    said = run("init", tmp_path / "new")

    for step in (f"cd {tmp_path}/new", "seatrial check", "seatrial ask support", "seatrial serve"):
        assert step in said.out


# --- check -----------------------------------------------------------------------------------


def test_check_tells_every_problem(run: Run, service: Path) -> None:
    """Two mistakes are told at once, each with its path and what to write; exit code 1."""
    write(service, "route =", "rout =")
    write(service, 'provider = "python"', 'provider = "pyton"')
    checked = run("check")
    in_json = run("check", "--json")

    assert 1 == checked.code == in_json.code
    assert "features.support.rout" in checked.out
    assert "Did you mean route?" in checked.out
    assert "targets.answers.provider" in checked.out
    assert in_json.json["ok"] is False
    assert 2 <= len(in_json.json["problems"])
    assert {"path", "message", "hint", "line"} == set(in_json.json["problems"][0])


def test_warnings_do_not_fail_a_check(run: Run, service: Path) -> None:
    """What is probably not meant is told, and leaves the exit code at 0."""
    write(service, '["answers", "cache", "say"]', '["say"]')
    checked = run("check")

    assert 0 == checked.code
    assert "! targets.answers" in checked.out
    assert "1 warning" in checked.out


# --- ask -------------------------------------------------------------------------------------


def ask(run: Run, question: str = ORDER, *more: str) -> Ran:
    """Ask the starter's feature."""
    return run("ask", "support", question, *more)


def test_ask_answers(run: Run, service: Path) -> None:
    """The answer is the output; who gave it stands beside it."""
    asked = ask(run)

    assert 0 == asked.code
    assert asked.out.startswith("Your order is on its way.")
    assert 1 == asked.out.count("\n")
    assert "answer · answers, tier 0" in asked.err


def test_ask_labels_a_degraded_answer(run: Run, service: Path) -> None:
    """A lower tier's answer is labelled, with the reason."""
    asked = ask(run, "Can you fly?")

    assert 0 == asked.code
    assert asked.out.startswith("Sorry, I cannot answer that now.")
    assert "degraded · say, tier 2" in asked.err
    assert "because answers has no answer to this" in asked.err


def test_ask_in_json(run: Run, service: Path) -> None:
    """Every part of the reply has its name."""
    reply = ask(run, ORDER, "--json", "--user", "ann").json

    assert ("answer", "answers", 0, "") == tuple(
        reply[key] for key in ("decision", "target", "tier", "reason")
    )
    record = run("records", "show", reply["record_id"], "--json").json
    assert ("ann", reply["release"]) == (record["user"], record["release"])


def test_ask_streams(run: Run, service: Path) -> None:
    """Pieces are printed as they come, and the record says that it was a stream."""
    (service / "answers.py").write_text(
        "def answer(question):\n    yield 'one '\n    yield 'two'\n"
    )
    asked = ask(run, "Count.", "--stream")

    assert "one two\n" == asked.out
    assert run("records", "list", "--json").json["records"][0]["stream"] is True


def test_ask_reads_the_input(run: Run, service: Path) -> None:
    """`-` stands for the standard input."""
    asked = run("ask", "support", "-", input=ORDER)

    assert asked.out.startswith("Your order")


def test_ask_fails_when_nothing_answers(run: Run, service: Path) -> None:
    """An explicit error, the reason, the record's id; exit code 1."""
    write(service, '["answers", "cache", "say"]', '["answers"]')
    asked = ask(run, "Can you fly?", "--json")

    assert 1 == asked.code
    assert "no_target_left" == asked.json["error"]["code"]
    record = run("records", "show", asked.json["error"]["record_id"], "--json").json
    assert "refused" == record["decision"]


def test_variables_reach_the_prompt(run: Run, service: Path) -> None:
    """A prompt's variable is given by `--var`; without it the error names it, exit code 2."""
    (service / "prompts/support.md").write_text("Answer in {{language}}.")
    write(service, '# prompt = "prompts/support.md"', 'prompt = "prompts/support.md"')

    assert 0 == ask(run, ORDER, "--var", "language=Welsh").code
    missing = ask(run)
    assert 2 == missing.code
    assert "language" in missing.err
    assert 2 == ask(run, ORDER, "--var", "language").code


# --- records ---------------------------------------------------------------------------------


@pytest.fixture
def asked(run: Run, service: Path) -> Path:
    """Ask three questions: two answered, one degraded."""
    for question in (ORDER, "When are you open?", "Can you fly?"):
        ask(run, question, "--user", "ann")
    return service


def questions(ran: Ran) -> list[str]:
    """List what was asked, from records in JSON."""
    return [record["input"]["messages"][0]["content"] for record in ran.json["records"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("", ["Can you fly?", "When are you open?", ORDER]),
        ("--decision degraded", ["Can you fly?"]),
        ("--cause no_answer", ["Can you fly?"]),
        ("--target answers", ["When are you open?", ORDER]),
        ("--user ann --limit 1", ["Can you fly?"]),
        ("--user bob", []),
        ("--since 1h --feature support", ["Can you fly?", "When are you open?", ORDER]),
        ("--since 2999-01-01", []),
    ],
)
def test_list_filters(run: Run, asked: Path, filters: str, expected: list[str]) -> None:
    """Each filter leaves what it names, the newest first."""
    assert expected == questions(run("records", "list", *filters.split(), "--json"))


def test_list_for_people(run: Run, asked: Path) -> None:
    """One line per request: decision, who answered, how long it took, the question."""
    listed = run("records", "list")
    rows = listed.out.splitlines()

    assert ["time", "decision", "by", "took", "id", "question"] == rows[0].split()
    assert "degraded" in rows[1]
    assert "Can you fly?" in rows[1]
    assert "3 of 3, the newest first." in listed.out


def test_list_fits_a_narrow_terminal(
    run: Run, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is cut, never the id that one has to copy."""
    ask(run, "How do I send back " + "a very long list of things " * 9)
    monkeypatch.setenv("COLUMNS", "80")
    row = run("records", "list").out.splitlines()[1]
    record = run("records", "list", "--json").json["records"][0]

    assert len(row.rstrip()) <= 80
    assert record["id"][:14] in row
    assert row.rstrip().endswith("…")


@pytest.mark.parametrize("wrong", ["--decision fine", "--cause bad", "--since soon", "--limit 0"])
def test_wrong_filters_are_misuse(run: Run, asked: Path, wrong: str) -> None:
    """A filter that can match nothing is told, not answered by an empty list."""
    assert 2 == run("records", "list", *wrong.split()).code


def test_search(run: Run, asked: Path) -> None:
    """Questions and answers are searched, whatever their letters' case."""
    assert [ORDER] == questions(run("records", "search", "MY ORDER", "--json"))
    assert ["When are you open?"] == questions(run("records", "search", "saturday", "--json"))


def test_nothing_found(run: Run, service: Path, asked: Path) -> None:
    """An empty list says so in words."""
    assert "No record matches.\n" == run("records", "search", "xyzzy").out


def test_show_is_a_timeline(run: Run, asked: Path) -> None:
    """Attempts stand in order on one axis, each with its cause; then the decision."""
    newest = run("records", "list", "--json").json["records"][0]["id"]
    shown = run("records", "show", newest[:14]).out

    for words in (
        newest,
        "asked     Can you fly?",
        "0 answers",
        "no_answer",
        "1 cache",
        "not_cached",
        "decision  degraded by say (tier 2)",
        "checks    passed: injection",
        "cost      unknown",
        "because   answers has no answer to this; cache holds no answer to this input",
    ):
        assert words in shown
    assert shown.index("0 answers") < shown.index("1 cache")


def test_show_wants_one_record(run: Run, asked: Path) -> None:
    """A beginning that several records share names two of them; an unknown id is told."""
    several = run("records", "show", "0")
    unknown = run("records", "show", "ffff")

    assert (2, 2) == (several.code, unknown.code)
    assert "More than one record" in several.err
    assert "There is no record 'ffff'." in unknown.err


# --- config, keys, migrate -------------------------------------------------------------------


def test_config_show_says_where_values_come_from(run: Run, service: Path) -> None:
    """What is set names its line, all else says that it is a default."""
    rows = {row["path"]: row for row in run("config", "show", "--json").json["values"]}

    assert "seatrial.toml:4" == rows["service.listen"]["origin"]
    assert "default" == rows["service.drain_s"]["origin"]
    assert "service.listen" in run("config", "show").out


def test_config_schema_is_json_schema(run: Run) -> None:
    """The schema describes the three sections; it needs no configuration."""
    schema = run("config", "schema").json

    assert {"service", "targets", "features"} == set(schema["properties"])


def test_keys(run: Run, service: Path) -> None:
    """A key is shown once, then listed without itself, then revoked."""
    made = run("keys", "create", "web", "--feature", "support", "--json").json
    listed = run("keys", "list", "--json")

    assert made["key"].startswith(f"st-{made['id']}-")
    assert made["key"] not in listed.out
    assert [("web", ["support"], None)] == [
        (key["name"], key["features"], key["revoked_at"]) for key in listed.json["keys"]
    ]
    assert "digest" not in listed.json["keys"][0]
    assert 0 == run("keys", "revoke", made["id"]).code
    assert "revoked" in run("keys", "list").out
    assert 2 == run("keys", "revoke", made["id"]).code


def test_key_for_an_unknown_feature_is_misuse(run: Run, service: Path) -> None:
    """A slip in a feature's name makes no key that opens nothing."""
    assert 2 == run("keys", "create", "web", "--feature", "suport").code
    assert [] == run("keys", "list", "--json").json["keys"]


def test_migrate(run: Run, service: Path) -> None:
    """The first time it applies revisions, the second time there is nothing to do."""
    first = run("migrate", "--json").json["applied"]

    assert first
    assert [] == run("migrate", "--json").json["applied"]
    assert "up to date" in run("migrate").out


def test_the_store_needs_no_providers_key(run: Run, asked: Path) -> None:
    """Records and keys are there for people who do not hold the model's key; asking is not."""
    write(
        asked,
        "[features.support]",
        """[targets.large]
provider = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "large"
api_key = "env:A_KEY_THAT_NOBODY_HAS"

[features.support]""",
    )
    write(asked, 'route = ["answers"', 'route = ["large", "answers"')

    assert 0 == run("migrate").code
    assert 3 == run("records", "list", "--json").json["matching"]
    assert 0 == run("keys", "create", "web", "--feature", "support").code
    assert 1 == len(run("keys", "list", "--json").json["keys"])
    for command in (["ask", "support", ORDER], ["check"], ["serve"]):
        refused = run(*command)
        assert 1 == refused.code
        assert "A_KEY_THAT_NOBODY_HAS" in refused.out + refused.err


def test_a_look_at_the_store_does_not_start(service: Path) -> None:
    """What was opened without keys says so rather than asking providers without them."""
    app = Seatrial.open(service / "seatrial.toml", for_asking=False)

    with pytest.raises(Misuse, match="opened for a look at its store"):
        app.ask("support", ORDER)
