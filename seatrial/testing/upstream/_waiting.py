"""Catalogue rows 14 to 21: connections that die, hang, drip, dawdle or point elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from seatrial.testing.upstream import _latency as latency
from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._plan import (
    WHOLE,
    Close,
    Exchange,
    Expect,
    Fault,
    Pause,
    Plan,
    Reset,
    Send,
    Step,
    Then,
)

FOR_EVER: Final = "inf"  # as text, so that schedules and logs stay JSON


def _end_early(end: Step) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield end

    return plan


def _reset_in_headers(exchange: Exchange, then: Then) -> Iterator[Step]:
    head = speak.head_of(exchange, content_length="1000")
    yield Send(head[: min(exchange.count("at"), len(head) - 2)])
    yield Pause(0.02)  # let the bytes leave: a reset throws away what is still queued
    yield Reset()


def _reset_in_body(exchange: Exchange, then: Then) -> Iterator[Step]:
    body = speak.whole_of(exchange)
    yield Send(speak.head_of(exchange, content_length=str(len(body))))
    yield Send(body[: min(exchange.count("at"), len(body) - 1)])
    yield Pause(0.02)
    yield Reset()


def _hang(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield Pause(exchange.number("for_s"))
    yield Close()


def _hang_after_headers(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield speak.opening(exchange)
    else:
        yield Send(speak.head_of(exchange, content_length=str(len(speak.whole_of(exchange)))))
    yield Pause(exchange.number("for_s"))
    yield Close()


def _drip_headers(exchange: Exchange, then: Then) -> Iterator[Step]:
    body = speak.whole_of(exchange)
    for byte in speak.head_of(exchange, content_length=str(len(body))):
        yield Pause(exchange.number("gap_s"))
        yield Send(bytes([byte]))
    yield Send(body)


def _drip_body(exchange: Exchange, then: Then) -> Iterator[Step]:
    body = speak.whole_of(exchange)
    yield Send(speak.head_of(exchange, content_length=str(len(body))))
    for byte in body:
        yield Pause(exchange.number("gap_s"))
        yield Send(bytes([byte]))


def _late(law: str) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        draw = latency.LAWS[law]
        yield Pause(
            draw(exchange.draw, p50_s=exchange.number("p50_s"), ratio=exchange.number("ratio"))
        )
        yield from then(exchange)

    return plan


def _step_later(exchange: Exchange, then: Then) -> Iterator[Step]:
    wait_s = latency.step(
        exchange.draw,
        p50_s=exchange.number("p50_s"),
        ratio=exchange.number("ratio"),
        at_s=exchange.number("at_s"),
        now_s=exchange.now_s,
    )
    yield Pause(wait_s)
    yield from then(exchange)


def _redirect(exchange: Exchange, then: Then) -> Iterator[Step]:
    places = {
        "loopback": f"{exchange.url}/trap",
        "self": f"{exchange.url}{exchange.ask.path}",
        "metadata": "http://169.254.169.254/latest/meta-data/",
        "scheme": "file:///etc/hostname",
    }
    to = exchange.text("to")
    head = speak.head_of(
        exchange, status=307, kind="text/plain", location=places.get(to, to), content_length="0"
    )
    yield Send(head)


def _latency(law: str, plan: Plan, says: str) -> Fault:
    extra = {"at_s": 5.0} if law == "step" else {}
    return Fault(
        name=f"latency-{law}",
        row=19,
        expect=Expect.DYNAMICS,
        says=says,
        plan=plan,
        passes=True,
        defaults={"p50_s": 0.1, "ratio": 5.0, **extra},
        draws={
            "p50_s": lambda die: 10 ** die.uniform(-1, 1.3),
            "ratio": lambda die: 10 ** die.uniform(0.3, 1.7),
        },
    )


FAULTS: Final = (
    Fault(
        name="reset-early",
        row=14,
        expect=Expect.ANSWER,
        plan=_end_early(Reset()),
        says="Resets the connection before a byte.",
    ),
    Fault(
        name="fin-early",
        row=14,
        expect=Expect.ANSWER,
        plan=_end_early(Close()),
        says="Closes the connection before a byte.",
    ),
    Fault(
        name="reset-in-headers",
        row=15,
        expect=Expect.ANSWER,
        plan=_reset_in_headers,
        says="Resets after `at` bytes of the headers.",
        defaults={"at": 30},
        draws={"at": lambda die: die.randint(1, 80)},
    ),
    Fault(
        name="reset-in-body",
        row=15,
        expect=Expect.ANSWER,
        plan=_reset_in_body,
        modes=frozenset({WHOLE}),
        says="Resets after `at` bytes of the body.",
        defaults={"at": 40},
        draws={"at": lambda die: die.randint(0, 300)},
    ),
    Fault(
        name="hang",
        row=16,
        expect=Expect.ANSWER,
        plan=_hang,
        says="Accepts the request and says nothing for `for_s`, then closes.",
        defaults={"for_s": FOR_EVER},
        draws={"for_s": lambda die: die.choice((1.0, 5.0, 30.0, FOR_EVER))},
    ),
    Fault(
        name="hang-after-headers",
        row=17,
        expect=Expect.ANSWER,
        plan=_hang_after_headers,
        says="Sends the headers, then nothing for `for_s`, then closes.",
        defaults={"for_s": FOR_EVER},
    ),
    Fault(
        name="drip-headers",
        row=18,
        expect=Expect.ANSWER,
        plan=_drip_headers,
        modes=frozenset({WHOLE}),
        says="Sends the headers one byte at a time, `gap_s` apart.",
        defaults={"gap_s": 0.1},
        draws={"gap_s": lambda die: die.uniform(0.1, 5)},
    ),
    Fault(
        name="drip-body",
        row=18,
        expect=Expect.ANSWER,
        plan=_drip_body,
        modes=frozenset({WHOLE}),
        says="Sends the body one byte at a time, `gap_s` apart.",
        defaults={"gap_s": 0.1},
        draws={"gap_s": lambda die: die.uniform(0.1, 5)},
    ),
    _latency(
        "lognormal",
        _late("lognormal"),
        "Thinks for a lognormal time: median `p50_s`, p99 `ratio` times that.",
    ),
    _latency(
        "bimodal", _late("bimodal"), "Thinks for `p50_s`, one time in ten for `ratio` times that."
    ),
    _latency(
        "pareto",
        _late("pareto"),
        "Thinks for a heavy-tailed time: median `p50_s`, p99 `ratio` times that.",
    ),
    _latency("step", _step_later, "Thinks for `p50_s` until `at_s`, then for `ratio` times that."),
    Fault(
        name="redirect",
        row=21,
        expect=Expect.ANSWER,
        plan=_redirect,
        says="307 to `loopback` (a logged trap), `self`, `metadata`, `scheme` or any address.",
        defaults={"to": "loopback"},
        draws={"to": lambda die: die.choice(("loopback", "metadata", "scheme", "self"))},
    ),
)
