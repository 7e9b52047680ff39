"""From settings to plans and releases."""

import pytest

from seatrial.config import Config, build_plans, load, release_rows
from seatrial.config.functions import source_of
from seatrial.reliability.hedging import HedgeSettings
from seatrial.reliability.settings import Policy
from tests.rooms.config.conftest import ENVIRON, EXAMPLE, FILES, Write

RULES = """
    [targets.rules]
    provider = "python"
    call = "{module}:answer"

    [features.support]
    route = ["rules", "support", "say"]
    say = "Later."
"""


def test_plan_holds_what_the_engine_needs(example: Config) -> None:
    """Route, policy, texts and release of each feature."""
    plan = build_plans(example)["support"]

    assert ["large", "small", "cache", "human"] == [rules.name for rules in plan.route]
    assert ["model", "model", "cache", "human"] == [rules.kind for rules in plan.route]
    assert Policy(deadline_s=10) == plan.policy
    assert "You help {{customer}}." == plan.prompt
    assert example.prompts["support"].version == plan.prompt_version
    assert "Thank you. A colleague will write to you within the hour." == plan.say


def test_row_remembers_the_plans_release(example: Config) -> None:
    """What is stored is what was hashed."""
    (row,) = release_rows(example, commit="abc", dirty=True, first_seen=7.0)

    assert build_plans(example)["support"].release == row.id
    assert ("support", "abc", True, 7.0) == (row.feature, row.commit, row.dirty, row.first_seen)
    assert '"model":"gpt-5.1"' in row.content
    assert "API_KEY" not in row.content


def test_feature_without_prompt_has_none(write: Write) -> None:
    """Prompts may stay with the caller."""
    path = write(
        '[targets.a]\nbase_url = "http://127.0.0.1:1"\n[features.support]\nroute = ["a"]\n'
    )

    plan = build_plans(load(path, environ={}))["support"]

    assert (None, "", 60.0) == (plan.prompt, plan.prompt_version, plan.policy.deadline_s)


CACHED = """
    [targets.large]
    model = "large"
    base_url = "http://127.0.0.1:1/v1"

    [targets.vectors]
    model = "small"
    base_url = "http://127.0.0.1:2/v1"

    [features.support]
    route = ["large", "cache"]
    cache = {{ similar = {similar}, embeddings = "vectors", embed_s = 2, max_age_s = {age} }}
"""


def test_plan_says_how_kept_answers_are_used(write: Write) -> None:
    """Who makes vectors with which model, and how much alike is enough; nobody is left unused."""
    config = load(write(CACHED.format(similar=0.9, age=60)), environ={})
    cache = build_plans(config)["support"].cache

    assert () == config.warnings
    assert cache is not None
    assert cache.embeddings is not None
    assert ("vectors", 0.9, 2.0) == (
        cache.embeddings.name,
        cache.settings.similar,
        cache.settings.embed_s,
    )
    assert '"small"' in cache.space


def test_second_calls_are_off_until_a_share_is_set(write: Write) -> None:
    """And they are no part of the release: they decide no answer."""
    usual = CACHED.format(similar=0.9, age=60)
    route = usual.replace('["large", "cache"]', '["large", "vectors", "cache"]')
    plain = build_plans(load(write(route), environ={}))["support"]
    hedged = build_plans(load(write(route + "    hedge.share = 0.05\n"), environ={}))["support"]

    assert (None, HedgeSettings(share=0.05)) == (plain.hedge, hedged.hedge)
    assert plain.release == hedged.release


def test_cache_without_similarity_needs_no_vectors(write: Write) -> None:
    """Only its age and its place are told."""
    text = CACHED.format(similar=0.9, age=60).replace('similar = 0.9, embeddings = "vectors", ', "")
    cache = build_plans(load(write(text), environ={}))["support"].cache

    assert cache is not None
    assert (None, 60.0) == (cache.embeddings, cache.settings.max_age_s)


def test_release_changes_with_what_may_be_given_again(write: Write) -> None:
    """How alike, by which model, and whether first; how old an answer may be does not count."""

    def release(text: str) -> str:
        return build_plans(load(write(text), environ={}))["support"].release

    usual = CACHED.format(similar=0.9, age=60)
    assert release(usual) == release(CACHED.format(similar=0.9, age=90))
    assert release(usual) == release(usual.replace("embed_s = 2", "embed_s = 3"))
    assert release(usual) != release(CACHED.format(similar=0.8, age=60))
    assert release(usual) != release(usual.replace('"small"', '"smaller"'))
    assert release(usual) != release(usual.replace("max_age_s", "front = true, max_age_s"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"env:OPENAI_API_KEY"', '["env:OPENAI_API_KEY", "file:keys/anthropic"]'),
        ('model = "gpt-5.1"', 'model = "gpt-5.1"\nbase_url = "http://127.0.0.1:1/v1"\nprice = 0'),
        ('model = "gpt-5.1"', 'model = "gpt-5.1"\ntimers.gap_s = 9\nretry.tries = 1'),
        ("deadline_s = 10", "deadline_s = 11"),
        ('owner = "billing@example.org"', 'owner = "others@example.org"\nmax_attempts = 9'),
        ("targets.large", "targets.big"),
    ],
)
def test_what_is_no_part_of_a_release_changes_nothing(write: Write, old: str, new: str) -> None:
    """Keys, addresses, limits, requirements and a target's name leave the release alone."""
    before = build_plans(load(write(), environ=ENVIRON))["support"].release
    changed = EXAMPLE.replace(old, new)
    if "big" in new:
        changed = changed.replace('["large"', '["big"')

    assert old in EXAMPLE
    assert before == build_plans(load(write(changed), environ=ENVIRON))["support"].release


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"gpt-5.1"', '"gpt-5.2"'),
        ('model = "gpt-5.1"', 'model = "gpt-5.1"\nparameters.temperature = 0'),
        ('model = "gpt-5.1"', 'model = "gpt-5.1"\nheaders.x-mode = "fast"'),
        ('"large", "small"', '"small", "large"'),
        ("within the hour", "within the day"),
        ('owner = "billing@example.org"', 'on_refusal = "next"'),
    ],
)
def test_what_decides_answers_makes_a_new_release(write: Write, old: str, new: str) -> None:
    """Models, parameters, headers, order, texts and the rule for refusals count."""
    before = build_plans(load(write(), environ=ENVIRON))["support"].release

    assert old in EXAMPLE
    after = build_plans(load(write(EXAMPLE.replace(old, new)), environ=ENVIRON))["support"].release
    assert before != after


def test_prompt_makes_a_new_release(write: Write) -> None:
    """A word in the prompt's file is another release."""
    before = build_plans(load(write(), environ=ENVIRON))["support"].release
    files = FILES | {"prompts/support.md": "You serve {{customer}}.\n"}

    after = build_plans(load(write(EXAMPLE, files), environ=ENVIRON))["support"].release
    assert before != after


def test_source_of_functions_is_part_of_the_release(write: Write) -> None:
    """Functions that targets name, and decorated ones that are handed in, both count."""
    releases = []
    for module, constant, own in (("plan_a", 1, "a"), ("plan_b", 2, "a"), ("plan_c", 2, "b")):
        files = {f"{module}.py": f"def answer(question):\n    return {constant}\n"}
        config = load(write(RULES.format(module=module), files), environ={})
        plan = build_plans(config, sources={"support": own})["support"]
        releases.append(plan.release)

    assert ["python", "python", "say"] == [rules.kind for rules in plan.route]
    assert 3 == len(set(releases))


def test_function_without_source_is_known_by_its_name() -> None:
    """Python keeps no source of what was compiled or built in."""
    assert "builtins:len" == source_of(len)
