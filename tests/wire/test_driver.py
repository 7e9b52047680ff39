"""The load driver: it finds nothing where nothing is wrong, and every planted wrong."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest

from seatrial.testing.driver import (
    Arrivals,
    Asked,
    End,
    Exchange,
    Heard,
    Load,
    arrivals,
    drive,
    judge,
)
from seatrial.testing.upstream import FaultyUpstream, Verdict, verify
from seatrial.testing.upstream._answers import answer_tokens, question_digest

pytestmark = pytest.mark.wire

QUESTION = "How deep?"
ASKED = Asked(QUESTION, "m", streamed=True)


def signed(reply_id: str = "a-1", question: str = QUESTION) -> tuple[str, ...]:
    """Give the tokens of a good answer."""
    return answer_tokens(reply_id, question_digest(question), 12)


# ------------------------------------------------------------ the checksum


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("".join(signed()), Verdict.WHOLE),
        ("".join(signed()) + "\n", Verdict.WHOLE),
        ('{"answer": "' + "".join(signed()) + '"}', Verdict.WHOLE),
        ('{"answer": "' + "".join(signed()), Verdict.CUT),
        ("".join(signed()[:-1]), Verdict.CUT),
        ("[id:a-", Verdict.CUT),
        ("".join(signed(question="How far?")), Verdict.FOREIGN),
        ("".join(signed()[:6] + signed("b-1")[6:]), Verdict.STITCHED),
        ("".join(signed()[:6] + signed("b-1")), Verdict.STITCHED),
        ("".join(signed()[:6] + signed()[7:]), Verdict.MALFORMED),
        ("".join(signed()[:6] + signed()[5:]), Verdict.MALFORMED),
        ("".join(signed()[3:]), Verdict.MALFORMED),
        ("A colleague will write to you.", Verdict.UNSIGNED),
    ],
)
def test_the_checksum_shows_what_happened_to_a_text(text: str, verdict: Verdict) -> None:
    """Whole, cut, stitched, foreign and damaged texts are told apart."""
    assert verdict == verify(text, QUESTION)


# ------------------------------------------------------------ planted violations


def event(content: str | None = None, *, finish: str | None = None) -> str:
    """Give one chunk."""
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps(
        {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    )


def streamed(*events: str, total_s: float = 0.1, **more: Any) -> Exchange:
    """Give a stream as the client would have heard it."""
    headers = {"content-type": "text/event-stream", **more.pop("headers", {})}
    return Exchange(status=200, headers=headers, events=list(events), total_s=total_s, **more)


def texts(*tokens: str) -> list[str]:
    """Give one chunk per token."""
    return [event(token) for token in tokens]


STOP = event(finish="stop")
DONE = "[DONE]"
ERROR = json.dumps(
    {"error": {"message": "gone", "type": "server_error", "param": None, "code": "x"}}
)
WHOLE = texts(*signed())


@pytest.mark.parametrize(
    ("exchange", "end"),
    [
        (streamed(*WHOLE, STOP, DONE), End.ANSWER),
        (streamed(*WHOLE, STOP, DONE, headers={"seatrial-decision": "degraded"}), End.DEGRADED),
        (
            streamed(*texts("Later."), STOP, DONE, headers={"seatrial-decision": "handed_off"}),
            End.HANDED_OFF,
        ),
        (streamed(*WHOLE[:5], ERROR), End.BROKEN_OFF),
        (streamed(*WHOLE[:5], event(finish="length"), DONE), End.SHORTENED),
        (streamed(*WHOLE[:5], event(finish="content_filter"), DONE), End.DECLINED),
        (streamed(*WHOLE[:5], heard=Heard.LEFT), End.ABANDONED),
        (streamed(*WHOLE[:5]), End.SILENT_CUT),
        (streamed(*WHOLE[:5], STOP, DONE), End.SILENT_CUT),
        (streamed(*WHOLE[:5], heard=Heard.RESET), End.SILENT_CUT),
        (streamed(*WHOLE[:5], ERROR, DONE), End.MALFORMED),
        (streamed(*WHOLE[:5], ERROR, WHOLE[5]), End.MALFORMED),
        (streamed(*WHOLE, DONE), End.MALFORMED),
        (streamed(*WHOLE, STOP), End.MALFORMED),
        (streamed(*WHOLE, STOP, DONE, DONE), End.MALFORMED),
        (streamed(*WHOLE, STOP, WHOLE[-1], DONE), End.MALFORMED),
        (streamed(*WHOLE, STOP, DONE, surplus=3), End.MALFORMED),
        (streamed(*texts("Later."), STOP, DONE), End.MALFORMED),
        (streamed(STOP, DONE), End.MALFORMED),
        (streamed("{", DONE), End.MALFORMED),
        (streamed(*texts(*signed()[:5], *signed("b-2")), STOP, DONE), End.STITCHED),
        (streamed(*texts(*signed()[:5], *signed("b-2")), ERROR), End.STITCHED),
        (streamed(*texts(*signed(question="How far?")), STOP, DONE), End.FOREIGN),
        (streamed(*texts(*signed(question="How far?")[:5]), ERROR), End.FOREIGN),
        (streamed(*texts(*signed(question="How far?")[:5]), heard=Heard.LEFT), End.FOREIGN),
        (streamed(*WHOLE, STOP, DONE, total_s=60.3), End.LATE),
        (streamed(*WHOLE[:5], ERROR, total_s=60.3), End.LATE),
        (streamed(*WHOLE[:5], heard=Heard.HANG), End.HANG),
        (Exchange(heard=Heard.REFUSED), End.UNEXPLAINED),
        (Exchange(heard=Heard.RESET), End.UNEXPLAINED),
        (Exchange(status=502, body=bytearray(b"<html>")), End.UNEXPLAINED),
        (Exchange(status=502, body=bytearray(b'{"error": {"message": "x"}}')), End.UNEXPLAINED),
        (Exchange(status=502, body=bytearray(ERROR.encode())), End.REFUSED),
        (Exchange(status=200, headers={"content-type": "application/json"}), End.MALFORMED),
    ],
)
def test_each_end_has_its_name(exchange: Exchange, end: End) -> None:
    """Honest ends and broken promises are told apart, each by its own name."""
    assert end == judge(exchange, ASKED).end


def test_a_slow_reader_is_late_by_its_own_fault() -> None:
    """A caller who dawdles does not count as answered late."""
    slow = Asked(QUESTION, "m", streamed=True, slow=True)

    assert End.ANSWER == judge(streamed(*WHOLE, STOP, DONE, total_s=100), slow).end


# ------------------------------------------------------------ loads


def test_a_good_upstream_breaks_no_promise() -> None:
    """A thousand requests, both forms, reused connections, two models: nothing to find."""
    with FaultyUpstream(seed=3) as upstream:
        report = asyncio.run(
            drive(Load(upstream.base_url, requests=1000, concurrency=16, models=("a", "b")))
        )
        connections = {entry.connection for entry in upstream.log}

    assert {"answer": 1000} == report.ends
    assert () == report.violations
    assert 0.4 < sum(outcome.streamed for outcome in report.outcomes) / 1000 < 0.6
    assert 16 >= len(connections)


def test_tools_and_structure_are_answered_in_kind() -> None:
    """Tool calls verify by their arguments."""
    with FaultyUpstream() as upstream:
        report = asyncio.run(drive(Load(upstream.base_url, requests=40, tools=True)))

    assert {"answer": 40} == report.ends


def test_callers_who_leave_and_who_dawdle_are_told_apart() -> None:
    """Leavers are abandoned, slow readers get their answer, and the server saw both."""
    with FaultyUpstream(gap_s=0.005) as upstream:
        load = Load(upstream.base_url, requests=60, leave=0.5, slow=0.2, slow_bytes_s=20_000)
        report = asyncio.run(drive(load))
        left = [entry for entry in upstream.log if entry.ended == "caller left"]

    assert {"answer", "abandoned"} == set(report.ends)
    assert 10 < report.ends["abandoned"] < 45
    assert left


def test_noise_is_counted_end_by_end() -> None:
    """What the driver names equals what the server did, request by request."""
    with FaultyUpstream(seed=9) as upstream:
        upstream.schedule(
            [
                {"name": "http-503", "probability": 0.1},
                {"name": "cut-clean", "probability": 0.1, "draw": True},
                {"name": "foreign-reply", "probability": 0.1},
            ]
        )
        load = Load(upstream.base_url, requests=300, concurrency=8, streamed=1.0)
        report = asyncio.run(drive(load))
        faults = upstream.stats()["faults"]

    assert isinstance(faults, dict)
    cuts = sum(count for name, count in faults.items() if name.startswith("cut-clean"))
    # A cut before the first token leaves nothing, and nothing is malformed, not cut.
    assert cuts == report.ends["silent_cut"] + report.ends.get("malformed", 0)
    assert faults["http-503"] == report.ends["refused"]
    assert faults["foreign-reply"] == report.ends["foreign"]


def test_a_caller_may_try_again() -> None:
    """Tries after an unexplained end carry one key, and are counted."""
    with FaultyUpstream() as upstream:
        upstream.schedule([{"name": "reset-early", "to_request": 2}])
        load = Load(upstream.base_url, requests=1, retries=3, idempotent=True, keep_alive=False)
        report = asyncio.run(drive(load))
        keys = [entry.headers["idempotency-key"] for entry in upstream.log]

    assert (End.ANSWER, 3) == (report.outcomes[0].end, report.outcomes[0].tries)
    assert 3 == len(keys)
    assert 1 == len(set(keys))


@pytest.mark.parametrize("law", list(Arrivals))
def test_arrivals_keep_their_order_and_their_rate(law: Arrivals) -> None:
    """Every law begins requests in order, and the steady ones at the rate asked for."""
    moments = list(arrivals(law, 10.0, count=1200, draw=Random(1)))

    assert moments == sorted(moments)
    assert 1200 == len(moments)
    if law in {Arrivals.STEADY, Arrivals.POISSON}:
        assert moments[-1] == pytest.approx(120, rel=0.15)
    if law is Arrivals.MINUTE:
        assert {0, 1} == {int(moment // 60) for moment in moments}
        assert all(moment % 60 < 1 for moment in moments)
    if law is Arrivals.BURST:
        assert sum(20 <= moment < 21 for moment in moments) in range(99, 102)


def test_an_open_loop_keeps_its_pace() -> None:
    """Requests begin by the clock, whatever became of those before."""
    with FaultyUpstream() as upstream:
        upstream.schedule([{"name": "latency-bimodal", "params": {"p50_s": 0.1, "ratio": 1.0}}])
        load = Load(upstream.base_url, requests=50, concurrency=50, rate_s=100)
        report = asyncio.run(drive(load))

    assert {"answer": 50} == report.ends
    assert report.outcomes[-1].at_s == pytest.approx(0.49, abs=0.15)
