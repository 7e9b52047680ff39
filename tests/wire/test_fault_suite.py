"""The fault suite: Seatrial passes it, and what does not protect fails where it should."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from seatrial.testing.driver import End, Outcome
from seatrial.testing.suite import (
    Address,
    Case,
    Selection,
    SuiteReport,
    SuiteSettings,
    cases,
    ground,
    own_gateway,
    run_against,
    run_alone,
    run_suite,
    targets,
    weigh,
)
from seatrial.testing.suite.__main__ import main
from tests.wire.waiting import until

pytestmark = [pytest.mark.wire]
SLACK_S = 2.0
# Of each kind one: a break before a token, one after, an odd body, a refusal.
FEW = ("http-503", "reset-early", "cut", "cut-clean", "nan", "crlf", "policy")


def case_of(name: str) -> Case:
    """Return the case of that name."""
    (found,) = [case for case in cases(Selection()) if case.name == name]
    return found


def outcome(end: End, detail: str = "") -> Outcome:
    """Return what became of one request."""
    return Outcome(0, end, detail, (), "m", False, 200, 0.0, 0.1, None)


def wrong(report: SuiteReport) -> dict[str, tuple[str, ...]]:
    """Return what was not as it must be, by case."""
    return {found.case.name: found.wrong for found in report.found if found.wrong}


def missed(report: SuiteReport, *, slack_s: float = 0.0) -> list[str]:
    """Return the figures that broke their bounds, times by more than `slack_s`."""
    return [
        f"{each.name}: {each.value:.3f}"
        for each in report.figures
        if not each.holds and not (each.unit == "s" and each.value <= each.bound + slack_s)
    ]


# ---------------------------------------------------------------- the suite itself


def test_every_fault_has_cases() -> None:
    """In every dialect and form; each case's name is its own."""
    every = cases(Selection())

    assert len(every) > 300
    assert len(every) == len({case.feature for case in every})
    assert {"answer", "legal", "honest", "policy"} == {case.expect.value for case in every}
    assert len(cases(Selection(every=4))) == -(-len(every) // 4)


@pytest.mark.parametrize(
    ("name", "end", "good"),
    [
        ("openai.http-500.whole", End.DEGRADED, True),
        ("openai.http-500.whole", End.REFUSED, False),
        ("openai.crlf.streamed", End.BROKEN_OFF, False),
        ("openai.cut.streamed", End.BROKEN_OFF, True),
        ("openai.cut.streamed", End.SILENT_CUT, False),
        ("openai.cut.1.streamed", End.BROKEN_OFF, False),
        ("openai.policy.whole", End.REFUSED, True),
        ("openai.policy.whole", End.DEGRADED, False),
        ("openai.foreign-reply.whole", End.FOREIGN, True),
        ("openai.foreign-reply.whole", End.HANG, False),
    ],
)
def test_each_class_has_its_own_ends(name: str, end: End, good: bool) -> None:
    """What is honest in the middle of a stream is no answer before it."""
    assert good is not bool(weigh(case_of(name), [outcome(end)], (1, 0)).wrong)


def test_way_around_a_refusal_is_wrong() -> None:
    """Also when the caller saw the refusal: nobody else was to be asked."""
    refused = [outcome(End.REFUSED)]

    assert () == weigh(case_of("openai.policy.whole"), refused, (1, 0)).wrong
    assert weigh(case_of("openai.policy.whole"), refused, (2, 0)).wrong
    assert weigh(case_of("openai.policy.whole"), refused, (1, 1)).wrong


def test_command_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway of another make can be set up from the list."""
    assert 0 == main(["--plan", "--only", "http-500"])

    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert 4 == len(listed)
    assert {"feature", "dialect", "model", "at"} == set(listed[0])
    assert 2 == main(["--dynamics", "earthquake"])


# ---------------------------------------------------------------- against the gateway


def test_slice_holds() -> None:
    """A fourth of all cases, both dialects, streamed and whole, and the short trials."""
    trials = ("gone", "gone-early", "throttled", "noisy")
    # The machine runs other tests beside: times are held to their bounds by the whole suite.
    report = run_suite(
        SuiteSettings(Selection(every=4), requests=2, dynamics=trials, slack_s=SLACK_S)
    )

    assert {} == wrong(report), report.as_text()
    assert [] == missed(report, slack_s=SLACK_S), report.as_text()
    assert sum(found.struck for found in report.found) > 0.9 * len(report.found)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whole_suite_holds() -> None:
    """Every fault, every trial."""
    report = run_suite(SuiteSettings())

    assert {} == wrong(report), report.as_text()
    assert [] == missed(report), report.as_text()


def test_reason_of_a_refusal_reaches_the_caller() -> None:
    """In the provider's own words."""
    chosen = cases(Selection(only=("policy",)))
    with ground() as here, own_gateway(here, targets(chosen), deadline_s=4) as subject:
        data = {"model": chosen[0].feature, "messages": [{"role": "user", "content": "Hi"}]}
        asked = Request(
            f"{subject.url}/chat/completions",
            json.dumps(data).encode(),
            {"content-type": "application/json"},
        )
        with pytest.raises(HTTPError) as refused:
            urlopen(asked, timeout=10)
        error = json.loads(refused.value.read())["error"]

    assert 400 == refused.value.code
    assert "policy" in error["message"]


# ---------------------------------------------------------------- known bad


def test_no_gateway_fails_where_it_should() -> None:
    """What strikes before a token is never healed; what is legal or a refusal is in order."""
    settings = SuiteSettings(Selection(only=FEW), requests=2, dynamics=("failing",))
    report = run_alone(settings)
    table = report.classes()

    assert not report.passed
    assert 0 == table["answer"][1]
    assert table["legal"][0] == table["legal"][1]
    assert table["policy"][0] == table["policy"][1]
    assert "openai.cut-clean.streamed" in wrong(report)
    assert any("answered" in each for each in missed(report))


@contextmanager
def bare_proxy(upstream: str) -> Iterator[str]:
    """Run a proxy on the same libraries that only passes bytes on; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = f"{upstream}/chat/completions"
    command = [sys.executable, "-m", "bench.proxy", "--port", str(port), "--upstream", place]
    process = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port), limit_s=60)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as plug:
        return plug.connect_ex(("127.0.0.1", port)) == 0


def test_bare_proxy_fails_where_it_should() -> None:
    """It heals nothing, and hides what broke."""
    with ground() as here, bare_proxy(here.primary.base_url) as url:
        report = run_against(
            Address(url, by_fault=True, name="bare proxy"),
            here,
            SuiteSettings(Selection(only=FEW), requests=2, dynamics=()),
        )
    table = report.classes()

    assert 0 == table["answer"][1]
    assert table["legal"][0] == table["legal"][1]
    assert "openai.cut-clean.streamed" in wrong(report)
