"""The faulty upstream, called directly: each fault is seen for what it is."""

from __future__ import annotations

import asyncio
import json
import time
from random import Random

import pytest

from seatrial.errors import Misuse
from seatrial.testing.driver import Client, Load, Outcome, drive
from seatrial.testing.driver._client import Exchange as Reply
from seatrial.testing.upstream import (
    FAULTS,
    Ended,
    Expect,
    Fault,
    FaultyUpstream,
    Rule,
    UnknownFault,
    Verdict,
    strike_of,
    strikes_in,
    verify,
)
from seatrial.testing.upstream._asks import PATHS
from seatrial.testing.upstream._log import Entry
from seatrial.testing.upstream._model import FaultyModel, Manner
from seatrial.testing.upstream._plan import Send, Step
from seatrial.testing.upstream._wire import Incoming
from tests.wire.waiting import until

pytestmark = pytest.mark.wire

# What a bare caller makes of each fault: of a whole reply, of a stream.  "-" where there is none.
SEEN = {
    **dict.fromkeys(
        ["http-500", "http-502", "http-503", "http-504", "overloaded", "http-429"],
        ("refused", "refused"),
    ),
    **dict.fromkeys(["rate-limit-requests", "rate-limit-tokens"], ("refused", "refused")),
    **dict.fromkeys(
        ["key-revoked", "model-retired", "bad-request", "policy"], ("refused", "refused")
    ),
    **dict.fromkeys(["content-filter", "refusal"], ("declined", "declined")),
    **dict.fromkeys(["html-error", "redirect", "refuse"], ("unexplained", "unexplained")),
    **dict.fromkeys(["reset-early", "fin-early", "reset-in-headers"], ("unexplained",) * 2),
    **dict.fromkeys(["reset-in-body", "long-length"], ("unexplained", "-")),
    **dict.fromkeys(["hang", "hang-after-headers"], ("hang", "hang")),
    **dict.fromkeys(["drip-headers", "drip-body"], ("hang", "-")),
    **dict.fromkeys([name for name in FAULTS if FAULTS[name].row == 19], ("answer", "answer")),
    **dict.fromkeys(["html-200", "garbage-status-line"], ("malformed", "malformed")),
    **dict.fromkeys([name for name in FAULTS if FAULTS[name].row == 22], ("malformed",) * 2),
    **dict.fromkeys(["truncated-json", "short-length", "huge-body"], ("malformed", "-")),
    "bad-chunk": ("malformed", "malformed"),
    "no-last-chunk": ("unexplained", "silent_cut"),
    **dict.fromkeys([name for name in FAULTS if FAULTS[name].row in {25, 27}], ("malformed",) * 2),
    "huge-event": ("-", "malformed"),
    **dict.fromkeys(["huge-headers", "many-1xx"], ("malformed", "malformed")),
    **dict.fromkeys(["wrong-content-type", "other-form", "stale-reply"], ("malformed",) * 2),
    "foreign-reply": ("foreign", "foreign"),
    **dict.fromkeys([name for name in FAULTS if FAULTS[name].row == 29], ("answer", "answer")),
    **dict.fromkeys(["wrong-model"], ("answer", "answer")),
    **dict.fromkeys(["wrong-id", "tool-split"], ("-", "answer")),
    "wrong-block-index": ("-", "-"),
    **dict.fromkeys(["wrong-index", "two-choices"], ("malformed", "malformed")),
    **dict.fromkeys(["tool-broken-json", "tool-unknown"], ("malformed", "malformed")),
    "tool-many": ("answer", "answer"),
    **dict.fromkeys(["cut", "cut-clean"], ("-", "silent_cut")),
    "reset": ("-", "silent_cut"),
    **dict.fromkeys(["stall", "pings-only", "empty-deltas", "drip", "endless"], ("-", "hang")),
    "error-first": ("malformed", "broken_off"),
    "error-event": ("-", "broken_off"),
    **dict.fromkeys(["broken-event", "no-finish", "no-done", "after-done"], ("-", "malformed")),
    **dict.fromkeys(["duplicate-tokens", "reorder-tokens"], ("-", "malformed")),
    **dict.fromkeys([name for name in FAULTS if FAULTS[name].row == 42], ("-", "answer")),
}
NOTED = {
    "usage-negative": "usage odd",
    "usage-huge": "usage odd",
    "usage-text": "usage odd",
    "wrong-model": "model differs",
    "wrong-id": "id changes",
    "tool-many": "1000 tool calls",
}
# Smaller than by default, so that the whole table is walked in a few seconds.
SMALLER = {
    "gzip-bomb": "?mb=12",
    "huge-body": "?mb=12",
    "huge-event": "?mb=2",
    **{name: "?p50_s=0.01" for name in FAULTS if FAULTS[name].row == 19},
}
CATALOGUE = {*range(1, 11), *range(14, 20), *range(21, 43)}
CASES = [
    pytest.param(fault, mode, id=f"{fault.name}-{mode}")
    for fault in FAULTS.values()
    for mode in sorted(fault.modes)
    if "openai" in fault.dialects
]


async def ask_for(fault: Fault, mode: str, upstream: FaultyUpstream) -> Outcome:
    """Ask for one fault by the model's name, as a bare caller."""
    load = Load(
        url=upstream.base_url,
        # A limit strikes the second request.
        requests=2 if fault.name.startswith("rate-limit") else 1,
        concurrency=1,
        models=(f"fault:{fault.name}{SMALLER.get(fault.name, '')}",),
        streamed=float(mode == "streamed"),
        give_up_s=1.0 if "hang" in SEEN[fault.name] else 20.0,
        tools=fault.needs_tools,
    )
    return (await drive(load)).outcomes[-1]


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, str], Outcome]:
    """Ask for all faults, a few at a time, and keep what was seen."""

    async def walk() -> dict[tuple[str, str], Outcome]:
        few = asyncio.Semaphore(24)

        async def one(fault: Fault, mode: str, upstream: FaultyUpstream) -> Outcome:
            async with few:
                return await ask_for(fault, mode, upstream)

        with FaultyUpstream(seed=1) as upstream, FaultyUpstream(seed=2) as closing:
            pairs = [(f, mode) for f in FAULTS.values() for mode in sorted(f.modes)]
            pairs = [(f, m) for f, m in pairs if f.name != "refuse" and "openai" in f.dialects]
            got = await asyncio.gather(*(one(*pair, upstream) for pair in pairs))
            made = {(f.name, m): outcome for (f, m), outcome in zip(pairs, got, strict=True)}
            for mode in ("whole", "streamed"):
                made["refuse", mode] = await ask_for(FAULTS["refuse"], mode, closing)
            return made

    return asyncio.run(walk())


@pytest.mark.parametrize(("fault", "mode"), CASES)
def test_each_fault_is_named_rightly(
    fault: Fault, mode: str, seen: dict[tuple[str, str], Outcome]
) -> None:
    """The driver, with nothing between, names every fault of the table for what it is."""
    outcome = seen[fault.name, mode]

    assert SEEN[fault.name][mode == "streamed"] == outcome.end, outcome.detail
    if mode == "streamed" or fault.name != "usage-missing":
        assert NOTED.get(fault.name, "") in {"", *outcome.notes}


def test_a_reset_is_no_polite_end(seen: dict[tuple[str, str], Outcome]) -> None:
    """A reset reaches the caller as a reset, an early end as an end."""
    assert "connection reset" == seen["reset-early", "whole"].detail
    assert "connection reset" in seen["reset", "streamed"].detail
    assert "connection closed" == seen["fin-early", "whole"].detail
    assert "connection closed" in seen["cut", "streamed"].detail


def test_the_table_covers_the_catalogue() -> None:
    """Every row that a faulty upstream can make has a fault, and every fault says what it does."""
    assert CATALOGUE == {fault.row for fault in FAULTS.values()}
    assert set(FAULTS) == set(SEEN)
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.says.endswith(".")
        assert set(fault.draws) <= set(fault.defaults)


def test_what_a_legal_fault_says_is_a_whole_answer() -> None:
    """A fault called legal must be one that a sound caller understands."""
    legal = {name for name, fault in FAULTS.items() if fault.expect is Expect.LEGAL}

    assert all(set(SEEN[name]) <= {"answer", "-"} for name in legal)


# ------------------------------------------------------------ names and schedules


def test_a_models_name_can_ask_for_several_faults() -> None:
    """`+` joins faults, `@` sets the place, `?` the rest."""
    assert ["latency-step?p50_s=0.2", "cut?at=5"] == [
        str(strike) for strike in strikes_in("fault:latency-step?p50_s=0.2+cut@5")
    ]
    assert () == strikes_in("gpt-5.1")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("fault:cutt", "Did you mean 'cut'?"),
        ("fault:cut?att=3", "Did you mean 'at'?"),
        ("fault:cut@three", "should be a number"),
        ("fault:policy?at=3", "It has no parameters"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(model: str, says: str) -> None:
    """Whoever mistypes a fault learns the right name."""
    with pytest.raises(UnknownFault) as caught:
        strikes_in(model)

    assert says in str(caught.value)


def test_equal_seeds_draw_equal_parameters() -> None:
    """A drawn fault can be replayed from its seed."""
    for fault in FAULTS.values():
        assert fault.drawn(Random(5)) == fault.drawn(Random(5))
        strike_of(fault.name, fault.drawn(Random(6)))


def faults_of(upstream: FaultyUpstream, requests: int, **load: object) -> list[str]:
    """Send some requests one after the other, and list the faults that struck."""
    before = len(upstream.log)
    made = Load(upstream.base_url, requests=requests, concurrency=1, give_up_s=20, **load)  # type: ignore[arg-type]
    asyncio.run(drive(made))
    return [entry.fault for entry in upstream.log[before:]]


def test_a_schedule_strikes_by_number_and_model() -> None:
    """Rules have windows in requests and places by model; the first that meets one wins."""
    with FaultyUpstream() as upstream:
        upstream.schedule(
            [
                {"name": "http-503", "from_request": 1, "to_request": 3},
                Rule("http-500", model="b"),
            ]
        )
        struck = faults_of(upstream, 6, models=("a", "b"))

    assert ["", "http-503", "http-503", "http-500", "", "http-500"] == struck


def test_a_schedule_strikes_by_chance_and_seed() -> None:
    """One seed gives one set of faults; about as many as the probability says."""
    runs = []
    for seed in (3, 3, 4):
        with FaultyUpstream(seed=seed) as upstream:
            upstream.schedule([{"name": "overloaded", "probability": 0.3, "draw": True}])
            runs.append(faults_of(upstream, 200))

    assert runs[0] == runs[1] != runs[2]
    assert 35 < sum(map(bool, runs[0])) < 85


def test_latency_and_a_fault_strike_together() -> None:
    """Rules that let the exchange pass are followed by others."""
    with FaultyUpstream() as upstream:
        upstream.schedule(
            [{"name": "latency-bimodal", "params": {"p50_s": 0.05}}, {"name": "http-500"}]
        )
        report = asyncio.run(drive(Load(upstream.base_url, requests=3, concurrency=3)))

    assert {"refused": 3} == report.ends
    assert all(outcome.total_s > 0.04 for outcome in report.outcomes)


def test_a_wrong_schedule_changes_nothing() -> None:
    """A schedule with an unknown fault is refused whole, and the old one stays."""
    with FaultyUpstream() as upstream:
        upstream.schedule([{"name": "http-500"}])
        with pytest.raises(Misuse, match="http-5000"):
            upstream.schedule([{"name": "http-503"}, {"name": "http-5000"}])

        assert ["http-500"] == faults_of(upstream, 1)


def test_an_outage_begins_and_ends() -> None:
    """For its time everything fails; afterwards the schedule of before goes on."""
    with FaultyUpstream() as upstream:
        upstream.outage(1.5, "http-502")
        assert ["http-502"] * 2 == faults_of(upstream, 2)
        until(lambda: faults_of(upstream, 1) == [""], limit_s=30)


def test_a_refused_connection_is_accepted_again_later() -> None:
    """The listener really closes, and comes back on the same port."""
    with FaultyUpstream() as upstream:
        upstream.schedule([Rule("refuse", from_s=0, to_s=1.5)])
        time.sleep(0.1)
        load = Load(upstream.base_url, requests=1, give_up_s=20)
        during = asyncio.run(drive(load)).outcomes[0]
        assert ("unexplained", "connection refused") == (during.end, during.detail)

        until(lambda: asyncio.run(drive(load)).outcomes[0].end == "answer", limit_s=30)


def test_healing_takes_back_what_was_to_come() -> None:
    """A refusal that was planned for later does not happen once the faults are gone."""
    with FaultyUpstream() as upstream:
        upstream.schedule([Rule("refuse", from_s=0.2, to_s=10)])
        time.sleep(0.05)
        upstream.heal()
        time.sleep(0.3)
        report = asyncio.run(drive(Load(upstream.base_url, requests=1, give_up_s=20)))

    assert {"answer": 1} == report.ends


# ------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("style", "hint", "remaining"),
    [("exact", "1", "0"), ("missing", None, None), ("stale", "0", "120")],
)
def test_rate_headers_are_right_missing_or_stale(
    style: str, hint: str | None, remaining: str | None
) -> None:
    """A limited caller is told the truth, nothing, or what was true once."""
    with FaultyUpstream() as upstream:
        model = f"fault:rate-limit-requests?limit=120&headers={style}"
        first, second = post(upstream, model), post(upstream, model)

    assert (200, 429) == (first.status, second.status)
    assert hint == second.headers.get("retry-after")
    assert remaining == second.headers.get("x-ratelimit-remaining-requests")


def post(upstream: FaultyUpstream, model: str, path: str = "/chat/completions") -> Reply:
    """Send one request that is not streamed."""
    messages = [{"role": "user", "content": "How deep?"}]
    body = json.dumps({"model": model, "messages": messages, "max_tokens": 100}).encode()

    async def send() -> Reply:
        client = Client(upstream.base_url, keep_alive=False)
        return await client.post(path, body, {"x-api-key": "k-secret"}, give_up_s=20)

    return asyncio.run(send())


# ------------------------------------------------------------ the log


def test_the_log_tells_when_a_caller_left() -> None:
    """Whoever hangs up is seen to go."""

    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        body = json.dumps({"model": "fault:hang", "messages": [{"role": "user", "content": "x"}]})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await asyncio.sleep(0.3)
        writer.close()
        left_s.append(upstream.now_s())
        await asyncio.sleep(0.01)

    left_s: list[float] = []
    with FaultyUpstream() as upstream:
        asyncio.run(leave())
        until(lambda: bool(upstream.log), limit_s=30)
        entry = upstream.log[0]

    assert Ended.CALLER_LEFT == entry.ended
    assert left_s[0] <= entry.ended_s


def test_the_log_names_the_key_without_showing_it() -> None:
    """Two keys can be told apart in the log, and neither can be read there."""
    with FaultyUpstream(control_port=0) as upstream:
        post(upstream, "m")
        entry = upstream.log[0]
        text = json.dumps(entry.as_json())

    assert 12 == len(entry.key)
    assert "k-secret" not in text
    assert ("***", 28, 200) == (entry.headers["x-api-key"], entry.tokens, entry.status)


def test_only_listed_keys_are_served() -> None:
    """A server with keys answers 401 to all others."""
    with FaultyUpstream(keys=["k-other"]) as upstream:
        assert 401 == post(upstream, "m").status
    with FaultyUpstream(keys=["k-secret"]) as upstream:
        assert 200 == post(upstream, "m").status


# ------------------------------------------------------------ the Anthropic dialect


def test_anthropic_answers_are_signed_too() -> None:
    """The message's text verifies, and usage counts its tokens."""
    with FaultyUpstream() as upstream:
        message = json.loads(bytes(post(upstream, "claude", "/messages").body))

    assert Verdict.WHOLE == verify(message["content"][0]["text"], "How deep?")
    assert ("end_turn", 28) == (message["stop_reason"], message["usage"]["output_tokens"])


def anthropic_events(data: bytes) -> list[str]:
    """List the names of the events in a chunked body."""
    lines = data.decode("utf-8", "replace").splitlines()
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]


def test_anthropic_streams_have_their_events_in_order() -> None:
    """From message_start to message_stop, as its client expects."""
    names = anthropic_events(bytes_of(FAULTS["usage-missing"], "anthropic", streamed=True))

    assert ["message_start", "content_block_start"] == names[:2]
    assert {"content_block_delta"} == set(names[2:-3])
    assert ["content_block_stop", "message_delta", "message_stop"] == names[-3:]


# ------------------------------------------------------------ plans, without a socket


def bytes_of(fault: Fault, dialect: str, *, streamed: bool) -> bytes:
    """Give what a plan sends, up to about 2 MiB."""
    steps = steps_of((Rule(fault.name),), dialect, streamed=streamed, tools=fault.needs_tools)
    return b"".join(step.data for step in steps if isinstance(step, Send))


def steps_of(
    rules: tuple[Rule, ...], dialect: str, *, streamed: bool, tools: bool, usage: bool = True
) -> list[Step]:
    """Read a plan without carrying it out."""
    path = next(path for path, name in PATHS.items() if name == dialect)
    data = {"model": "m", "messages": [{"role": "user", "content": "How deep?"}], "max_tokens": 100}
    data.update({"stream": streamed, "tools": [{"name": "lookup"}] if tools else []})
    # Where nobody asks for usage, a stream has none to go wrong.
    data.update({"stream_options": {"include_usage": usage}})
    model = FaultyModel(Manner(1, "up", 24, 0.0, 10, frozenset(), ()), wall=lambda: 0.0)
    model.schedule(rules, now_s=0, number=0)
    entry = Entry(number=0, at_s=0, method="POST", path=path, connection=0)
    incoming = Incoming("POST", path, {}, json.dumps(data).encode())
    steps, sent = [], 0
    for step in model.steps(incoming, entry, url="http://x", now_s=0):
        steps.append(step)
        sent += len(step.data) if isinstance(step, Send) else 1000
        if sent > 2 * 1024 * 1024:
            break
    return steps


@pytest.mark.parametrize("name", FAULTS)
def test_plans_repeat_and_differ_from_a_good_answer(name: str) -> None:
    """One seed gives the same steps each time, and never those of a sound server."""
    fault = FAULTS[name]
    first_request_passes = {"rate-limit-requests", "rate-limit-tokens"}
    for dialect in sorted(fault.dialects):
        for mode in sorted(fault.modes):
            how = {
                "streamed": mode == "streamed",
                "tools": fault.needs_tools,
                "usage": name != "usage-chunk",
            }
            once = steps_of((Rule(name),), dialect, **how)
            good = steps_of((), dialect, **how)

            assert once == steps_of((Rule(name),), dialect, **how)
            assert (good != once) or name in first_request_passes, (dialect, mode)
