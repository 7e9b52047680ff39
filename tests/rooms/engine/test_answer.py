"""One request through the engine: its decision and its record."""

from __future__ import annotations

import asyncio
import gc

import pytest

from seatrial.reliability.settings import Policy, TargetRules
from seatrial.values.attempts import Cause, ErrorBody, Failure
from seatrial.values.chat import Answer, ToolCall, Usage
from seatrial.values.decisions import Answered, Kind, Refused
from seatrial.values.requests import Caller
from tests.rooms.engine.stage import (
    GOOD,
    HANG,
    WALL_S,
    Reader,
    Recorder,
    Stage,
    Target,
    play,
    spoken,
)


def test_answer_and_its_record() -> None:
    """The record tells who asked what, who answered, when and how long it took."""

    async def scene() -> None:
        usage = Usage(input_tokens=7, output_tokens=5, raw={"total_tokens": 12})
        said = Answer("Tomorrow.", model="m-1", usage=usage)
        stage = Stage({"large": Target([[0.25, said]])})
        caller = Caller("acme", "k1", "ann", "s1", ("web",), "app.py:3 in main", "support")
        settled = await stage.ask("When?", caller=caller)

        assert Answered(said, "large", 0) == settled.decision
        assert Kind.ANSWER is settled.head.kind
        assert ("req-1", "r1", "large", 0, "m-1") == (
            settled.head.record_id,
            settled.head.release,
            settled.head.target,
            settled.head.tier,
            settled.head.model,
        )
        record = stage.recorder.appended[0]
        assert ("acme", "k1", "ann", "s1", ("web",), "app.py:3 in main", "ann") == (
            record.tenant,
            record.key_id,
            record.user,
            record.session,
            record.tags,
            record.call_site,
            record.unit,
        )
        assert (WALL_S + 100, 0.25, "answer", "p1") == (
            record.started_at,
            record.took_s,
            record.decision,
            record.prompt_version,
        )
        assert {"messages": [{"role": "user", "content": "When?"}]} == record.input
        assert {"text": "Tomorrow.", "finish_reason": "stop"} == record.output
        attempt = record.attempts[0]
        assert ("large", "only", True, 0.25, "m-1", 7) == (
            attempt.target,
            attempt.outlet,
            attempt.sent,
            attempt.took_s,
            attempt.model,
            attempt.usage["input_tokens"],
        )
        stage.check_at_rest()

    play(scene())


def test_record_is_durable_before_the_answer_leaves() -> None:
    """The caller has nothing before the recorder says that it is kept."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, recorder=Recorder(takes_s=3.0))
        asking = asyncio.create_task(stage.ask())
        await asyncio.sleep(2.9)
        assert not asking.done()
        settled = await asking
        assert settled.durable
        assert [103.0] == stage.recorder.durable_at

    play(scene())


def test_answer_leaves_although_its_record_is_late() -> None:
    """A recorder that gives up waiting does not stop an answer; it is told."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, recorder=Recorder(durable=False))
        settled = await stage.ask()
        assert Kind.ANSWER is settled.decision.kind
        assert not settled.durable

    play(scene())


def test_content_may_be_left_out_of_records() -> None:
    """Without `keep_content` neither question nor answer is stored."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])})
        stage.known = type(stage.known)(stage.known.plans, stage.known.providers, False)
        await stage.ask("My secret")
        record = stage.recorder.appended[0]
        assert (None, None) == (record.input, record.output)

    play(scene())


def test_record_holds_all_that_was_said() -> None:
    """Refusals, tool calls and reasoning are part of the output."""

    async def scene() -> None:
        call = ToolCall("1", "look_up", '{"id": 7}')
        said = Answer(None, "No.", (call,), "tool_calls", reasoning="Hm.")
        stage = Stage({"large": Target([[said]])})
        await stage.ask()
        assert {
            "text": None,
            "finish_reason": "tool_calls",
            "refusal": "No.",
            "tool_calls": [{"id": "1", "name": "look_up", "arguments": '{"id": 7}'}],
            "reasoning": "Hm.",
        } == stage.recorder.appended[0].output

    play(scene())


def test_degraded_answer_tells_every_attempt() -> None:
    """The record has them in order, with cause, status, times and what was not sent at all."""

    async def scene() -> None:
        down = Failure(Cause.SERVER_ERROR, "it said 500", status=500)
        gone = Failure(Cause.UNREACHABLE, "refused", sent=False)
        stage = Stage(
            {
                "large": Target([[0.5, down]]),
                "small": Target([[gone]]),
                "third": Target([[0.25, GOOD]]),
            },
        )
        settled = await stage.ask()
        assert Kind.DEGRADED is settled.head.kind
        record = stage.recorder.appended[0]
        told = [
            (a.target, a.tier, a.turn, a.cause, a.status, a.sent, a.took_s) for a in record.attempts
        ]
        assert [
            ("large", 0, 0, "server_error", 500, True, 0.5),
            ("large", 0, 1, "server_error", 500, True, 0.5),
            ("small", 1, 0, "unreachable", None, False, 0.0),
            ("small", 1, 1, "unreachable", None, False, 0.0),
            ("third", 2, 0, "", None, True, 0.25),
        ] == told
        assert "large failed (HTTP 500); small could not be reached" == record.reason
        assert ("third", 2) == (record.target, record.tier)
        assert [0.0, 0.575, 1.075, 1.075, 1.075] == [a.started_s for a in record.attempts]
        stage.check_at_rest()

    play(scene())


def test_refusal_of_all_is_recorded() -> None:
    """What the caller is told stands in the record, with its code."""

    async def scene() -> None:
        stage = Stage({"large": Target([[Failure(Cause.TARGET_GONE, status=404)]])})
        settled = await stage.ask()
        record = stage.recorder.appended[0]
        assert ("refused", "no_target_left") == (record.decision, record.code)
        assert "large does not know the model (HTTP 404)" in record.reason
        assert settled.decision.message == record.reason
        assert ("", None) == (record.cache_key, record.output)

    play(scene())


def test_function_that_is_not_loaded_here_is_passed_by() -> None:
    """A target without a provider is a failed attempt, and the route goes on."""

    async def scene() -> None:
        stage = Stage({"rules": Target([[GOOD]]), "small": Target([[GOOD]])})
        stage.known = type(stage.known)(
            stage.known.plans, {"small": stage.known.providers["small"]}
        )
        settled = await stage.ask()
        assert "small" == settled.head.target
        assert "target_gone" == stage.recorder.appended[0].attempts[0].cause

    play(scene())


# --- prompts ------------------------------------------------------------------------------


def test_prompt_stands_before_the_caller_s_messages() -> None:
    """Targets see it as the system message; the record keeps what the caller sent."""

    async def scene() -> None:
        target = Target([[GOOD]])
        stage = Stage({"large": target}, prompt="Answer in {{language}}.")
        await stage.ask("When?", variables={"language": "Welsh"})
        asked = {"role": "user", "content": "When?"}
        assert [{"role": "system", "content": "Answer in Welsh."}, asked] == (
            target.calls[0].body["messages"]
        )
        assert [asked] == stage.recorder.appended[0].input["messages"]

    play(scene())


@pytest.mark.parametrize(("version", "live"), [("p1", True), ("p", True), ("p2", False)])
def test_caller_may_name_the_prompt_s_version(version: str, *, live: bool) -> None:
    """Only the live one is served: what is live, the release decides."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, prompt="Be brief.")
        settled = await stage.ask(prompt_version=version)
        assert live is isinstance(settled.decision, Answered)
        if isinstance(settled.decision, Refused):
            assert "prompt_not_live" == settled.decision.code
            assert "p1" in settled.decision.message

    play(scene())


def test_missing_variable_is_the_caller_s_mistake() -> None:
    """A 400 that names it; no target is called, and there is a record."""

    async def scene() -> None:
        target = Target([[GOOD]])
        stage = Stage({"large": target}, prompt="{{greeting}}, answer in {{language}}.")
        settled = await stage.ask(variables={"greeting": "Hello"})
        assert isinstance(settled.decision, Refused)
        assert ("missing_variable", 400) == (settled.decision.code, settled.decision.status)
        assert isinstance(settled.decision.error, ErrorBody)
        assert "language" in settled.decision.message
        assert "greeting" not in settled.decision.message
        assert [] == target.calls
        stage.check_at_rest()

    play(scene())


# --- people ---------------------------------------------------------------------------------


def test_hand_off_is_synced_before_it_is_promised() -> None:
    """The caller reads the feature's text once the record is on disk."""

    async def scene() -> None:
        stage = Stage({"large": Target([[Failure(Cause.RAISED)]])}, ends=["human"])
        settled = await stage.ask()
        assert Kind.HANDED_OFF is settled.head.kind
        assert "Later." == settled.decision.text
        assert ["req-1"] == stage.recorder.synced
        assert "handed_off" == stage.recorder.appended[0].decision

    play(scene())


def test_hand_off_that_could_be_lost_is_refused() -> None:
    """Better no promise than one that nobody remembers."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Failure(Cause.RAISED)]])},
            ends=["human"],
            recorder=Recorder(durable=False),
        )
        settled = await stage.ask()
        assert ("not_durable", Kind.REFUSED) == (settled.decision.code, settled.head.kind)
        assert settled.decision.retry_after_s is not None

    play(scene())


# --- cache ----------------------------------------------------------------------------------


def down_after_one() -> Target:
    """Return a target that answers once and never again."""
    return Target([[GOOD], [Failure(Cause.KEY_REFUSED)]])


def test_last_good_answer_is_served_with_its_age() -> None:
    """Degraded, labelled, and not kept again as if it were new."""

    async def scene() -> None:
        stage = Stage({"large": down_after_one()}, ends=["cache"])
        await stage.ask()
        await asyncio.sleep(60.0)
        settled = await stage.ask()
        assert (Kind.DEGRADED, "cache", 1) == (
            settled.head.kind,
            settled.head.target,
            settled.head.tier,
        )
        assert GOOD.text == settled.decision.answer.text
        first, second = stage.recorder.appended
        assert (60.0, 60.0) == (settled.decision.answer.age_s, second.cached_age_s)
        assert (True, "") == (bool(first.cache_key), second.cache_key)

    play(scene())


def test_cached_answer_serves_streaming_callers_too() -> None:
    """It comes whole, and the door may stream it."""

    async def scene() -> None:
        stage = Stage({"large": down_after_one()}, ends=["cache"])
        await stage.ask()
        reader = Reader()
        settled = await stage.listen(reader)
        assert (False, "cache") == (settled.began, settled.head.target)
        assert reader.head is None

    play(scene())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"caller": Caller(tenant="a")}, {"caller": Caller(tenant="b")}),
        ({"caller": Caller(key_scope="support")}, {"caller": Caller(key_scope="support,sales")}),
        ({"variables": {"name": "Ann"}}, {"variables": {"name": "Bob"}}),
        ({"text": "When?"}, {"text": "Where?"}),
    ],
    ids=["tenant", "scope", "prompt variables", "question"],
)
def test_nobody_gets_another_s_answer(first: dict[str, object], second: dict[str, object]) -> None:
    """Tenants, key scopes, what the prompt was filled with, and questions never share."""

    async def scene() -> None:
        stage = Stage({"large": down_after_one()}, ends=["cache"], prompt="You talk to {{name}}.")
        first.setdefault("variables", {"name": "Ann"})
        second.setdefault("variables", {"name": "Ann"})
        await stage.ask(**first)
        assert "no_target_left" == (await stage.ask(**second)).decision.code
        assert Kind.DEGRADED is (await stage.ask(**first)).head.kind

    play(scene())


@pytest.mark.parametrize(
    ("first", "second", "shares"),
    [
        ({"arguments": ((1,), {})}, {"arguments": ((2,), {})}, False),
        ({"arguments": ((1,), {"x": 2})}, {"arguments": ((1,), {"x": 2})}, True),
        ({"variables": {"region": "uk"}}, {"variables": {"region": "us"}}, False),
        ({"arguments": ((object(),), {})}, {"arguments": ((object(),), {})}, False),
    ],
    ids=["arguments", "same", "variables", "cannot be written"],
)
def test_functions_share_only_between_equal_calls(
    first: dict[str, object], second: dict[str, object], shares: bool
) -> None:
    """Whatever a function may read is part of the key; what cannot be written is not kept."""

    async def scene() -> None:
        rules = {"rules": TargetRules("rules", kind="python")}
        stage = Stage({"rules": down_after_one()}, rules=rules, ends=["cache"])
        await stage.ask(**first)
        settled = await stage.ask(**second)
        assert shares == (settled.head.target == "cache")

    play(scene())


# --- the whole way ---------------------------------------------------------------------------


def test_many_at_once_leave_nothing_behind() -> None:
    """A hundred requests of all kinds, some of which leave: one record each, all at rest."""

    async def scene() -> None:
        script = [[0.3, GOOD], [Failure(Cause.SERVER_ERROR)], [HANG, GOOD], [0.1, Answer("")]]
        stage = Stage(
            {"large": Target(script * 20), "small": Target([[0.2, GOOD]])},
            policy=Policy(deadline_s=4.0),
            ends=["say"],
        )
        asking = [asyncio.create_task(stage.ask(str(turn))) for turn in range(100)]
        await asyncio.sleep(0.15)
        for task in asking[::7]:
            task.cancel()
        done = await asyncio.gather(*asking, return_exceptions=True)
        left = sum(isinstance(each, asyncio.CancelledError) for each in done)
        assert 0 < left <= 15
        assert all(not isinstance(each, Exception) for each in done)
        assert 104.25 >= asyncio.get_running_loop().time()
        stage.check_at_rest()

    play(scene())


def test_stream_and_whole_say_the_same() -> None:
    """The same words, whichever way they were asked for."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken()])})
        reader = Reader()
        settled = await stage.listen(reader)
        assert GOOD.text == settled.decision.answer.text == reader.text
        assert GOOD.text == stage.recorder.appended[0].output["text"]

    play(scene())


def test_requests_leave_no_cycles() -> None:
    """What a request used is freed with it: the collector may look seldom."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])})
        streamed = Stage({"large": Target([spoken()])})
        await stage.ask()
        await streamed.listen(Reader())
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                await stage.ask()
                await streamed.listen(Reader())
            assert gc.collect() < 20
        finally:
            gc.enable()

    play(scene())
