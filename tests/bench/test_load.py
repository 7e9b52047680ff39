"""The load and the stub, over real sockets on the loopback."""

import asyncio
import os
import random
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench import contenders, load, wire
from bench.asking import Asking
from bench.contenders import Missing, Seatrial
from bench.processes import DidNotStart, family, free_port, process_cpu_ns, start
from bench.upstream import Answering, Script
from seatrial.config import load as load_config

pytestmark = pytest.mark.wire

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def no_clock() -> int:
    """A processor that does nothing."""
    return 0


@asynccontextmanager
async def the_stub(events: int = 5) -> AsyncIterator[int]:
    """The stub upstream in this process; its port."""
    script = Script(events, 0.005)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(script), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.sleep(0.05)  # both ends see each other leave


@asynccontextmanager
async def a_server(reply: bytes, *, hang_up: bool) -> AsyncIterator[int]:
    """A server that says the same to everybody; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(reply)
            await writer.drain()
            if hang_up:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.sleep(0.05)


@pytest.mark.anyio
async def test_whole_answers_are_counted() -> None:
    """Connections stay busy, and every right answer counts once."""
    async with the_stub() as port:
        seen = await load.closed_loop(port, no_clock, connections=4, warm_s=0.05, seconds=0.2)

    assert 0 == seen.errors
    assert seen.requests > 50
    assert seen.seconds >= 0.2


@pytest.mark.anyio
async def test_open_loop_keeps_its_rate() -> None:
    """As many requests leave as the dice say, each with its time, the warm-up left out."""
    dice, due, expected = random.Random(1), 0.0, -1
    while due < 0.5:
        due += dice.expovariate(200)
        expected += 1
    async with the_stub() as port:
        seen = await load.open_loop(port, rate=200, seconds=0.5, seed=1)

    assert 0 == seen.errors
    assert expected == len(seen.latencies)
    assert all(0 < latency < 1 for latency in seen.latencies)


@pytest.mark.anyio
async def test_streams_are_read_to_their_end() -> None:
    """Each stream gives a first token long before its end."""
    async with the_stub(events=20) as port:
        began = time.perf_counter()
        seen = await load.streams(port, no_clock, count=6, every_s=0.01, at_once=3)

    assert 0 == seen.errors
    assert 6 == len(seen.first_tokens)
    assert max(seen.first_tokens) < 0.08 < time.perf_counter() - began


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        b'HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n"choices"',
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
    ids=["an error", "another body"],
)
async def test_a_wrong_reply_is_no_request(reply: bytes) -> None:
    """A gateway cannot look fast by answering wrongly."""
    async with a_server(reply, hang_up=False) as port:
        seen = await load.closed_loop(port, no_clock, connections=2, warm_s=0, seconds=0.1)

    assert 0 == seen.requests
    assert seen.errors > 2


@pytest.mark.anyio
async def test_a_cut_stream_is_an_error() -> None:
    """A stream that ends before its last event does not count as one."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    event = wire.stream_events(5)[0]
    cut = head + b"%x\r\n%b\r\n" % (len(event), event)
    for reply, hang_up in ((cut, True), (cut + b"0\r\n\r\n", False)):
        async with a_server(reply, hang_up=hang_up) as port:
            seen = await load.streams(port, no_clock, count=2, every_s=0.01, at_once=2)

        assert 2 == seen.errors
        assert () == seen.first_tokens


def test_processor_time_of_another_process_is_read(tmp_path: Path) -> None:
    """The work of a child is seen from outside, and it is counted into the family."""
    port = free_port()
    work = "import http.server, sys; sum(range(20_000_000))\n"
    work += "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
    running = start(
        [sys.executable, "-c", work, str(port)],
        port=port,
        core=None,
        log=tmp_path / "log",
        folder=tmp_path,
        probe="/",
    )
    try:
        assert running.process.pid in family(os.getpid())
        assert 0 < process_cpu_ns(running.process.pid) <= running.cpu_ns()
        assert 10**8 < running.cpu_ns() < 30 * 10**9
        assert 5 < running.memory()[0] < 200
        assert 0.05 < running.start_s < 30
    finally:
        running.stop()
    assert running.process.returncode is not None


def test_a_process_that_ends_says_its_last_words(tmp_path: Path) -> None:
    """What a gateway printed before it died reaches the reader."""
    with pytest.raises(DidNotStart, match="no such feature"):
        start(
            [sys.executable, "-c", "raise SystemExit('no such feature')"],
            port=free_port(),
            core=None,
            log=tmp_path / "log",
            folder=tmp_path,
        )


def test_seatrial_is_started_by_a_template(tmp_path: Path) -> None:
    """Its command and configuration carry the ports and the store of this run."""
    ours = Seatrial("{python} run.py --config {config} --port {port}", "off {port}")
    on = contenders.launch(contenders.SEATRIAL, ours, folder=tmp_path, port=1234, upstream=99)
    off = contenders.launch(contenders.NO_RECORDS, ours, folder=tmp_path, port=1234, upstream=99)
    written = tomllib.loads((tmp_path / "seatrial.toml").read_text())

    config = str(tmp_path / "seatrial.toml")
    assert (sys.executable, "run.py", "--config", config, "--port", "1234") == on.command
    assert ("off", "1234") == off.command
    assert f"sqlite:{tmp_path}/records.db" == written["service"]["store"]
    assert "http://127.0.0.1:99/v1" == written["targets"]["stub"]["base_url"]


def test_the_configuration_is_a_good_one(tmp_path: Path) -> None:
    """Seatrial takes the benchmark's own configuration without an error or a warning."""
    path = Seatrial().write_config(tmp_path, port=8080, upstream=8081)

    assert () == load_config(path).warnings


def test_a_missing_program_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nginx its line is left out, with the command that would bring it."""
    monkeypatch.setattr("bench.nginx.find", lambda: None)
    with pytest.raises(Missing, match="apt-get install nginx-light"):
        contenders.launch(contenders.NGINX, Seatrial(), folder=tmp_path, port=1, upstream=2)


FAKE_LIBRARY = """
import sys, types

class Seatrial:
    @classmethod
    def open(cls, path):
        assert "[features.ask]" in open(path).read()
        return cls()

    async def ask_async(self, feature, text):
        sum(range(2000))
        return types.SimpleNamespace(text=REPLY)

sys.modules["seatrial"] = types.SimpleNamespace(Seatrial=Seatrial)
from bench import inprocess
REPLY = inprocess.ANSWER if sys.argv.pop(1) == "right" else "another"
inprocess.main()
"""


def asking(tmp_path: Path, reply: str) -> Asking:
    """The process that measures calls, over a library of our own."""
    (tmp_path / "fake.py").write_text(FAKE_LIBRARY)
    config = Seatrial().write_config(tmp_path, port=1, upstream=2)
    command = [sys.executable, str(tmp_path / "fake.py"), reply, "--config", str(config)]
    environment = {"PYTHONPATH": str(contenders.ROOT)}
    return Asking([*command, "--calls", "200"], None, tmp_path / "log", environment)


def test_calls_in_process_are_measured_slice_by_slice(tmp_path: Path) -> None:
    """Each slice gives the processor time of one call."""
    process = asking(tmp_path, "right")
    try:
        costs = [process.once() for _ in range(2)]
    finally:
        process.stop()

    assert all(10 < cost_us < 5000 for cost_us in costs)


def test_a_wrong_answer_in_process_is_no_figure(tmp_path: Path) -> None:
    """A call that answers wrongly ends the measurement and says why."""
    with pytest.raises(DidNotStart, match="did not give the target's answer"):
        asking(tmp_path, "wrong")
