"""Callers of a real server: those who leave, those who do not read, and many at once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import openai
import psutil
import pytest

from tests.doors.gateway.process import Line, Server, chat, serving
from tests.doors.gateway.served import PIECES
from tests.patience import until

pytestmark = [pytest.mark.anyio, pytest.mark.wire]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all."""
    with serving("stall_s=1") as running:
        yield running


@pytest.mark.parametrize(
    ("model", "stream"), [("forever", False), ("forever", True), ("endless", True)]
)
async def test_leaving_reaches_the_application(server: Server, model: str, stream: bool) -> None:
    """The work ends with the connection."""
    before = await server.figures()
    line = await Line.open(server.port)
    line.writer.write(chat(model, stream=stream))
    await server.reached("asked", before["asked"] + 1)
    line.writer.transport.abort()

    await server.reached("cancelled", before["cancelled"] + 1)


async def test_leaving_with_requests_in_line_is_noticed(server: Server) -> None:
    """A second request on the same line does not hide that its caller is gone."""
    before = await server.figures()
    line = await Line.open(server.port)
    line.writer.write(chat("forever") + chat("forever"))
    await server.reached("asked", before["asked"] + 1)
    line.writer.transport.abort()

    await server.reached("cancelled", before["cancelled"] + 1)


@pytest.mark.parametrize(("model", "stream"), [("flood", True), ("large", False)])
async def test_dead_reader_costs_little_and_is_cut(
    server: Server, model: str, stream: bool
) -> None:
    """Memory stays bounded, and the line is cut after a while."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(chat(model, stream=stream))
        await until(lambda: held_by(process, line))
        await asyncio.sleep(0.5)
        grown = process.memory_info().rss - before
        await until(lambda: not held_by(process, line))

    assert grown < 60_000_000


def held_by(process: psutil.Process, line: socket.socket) -> bool:
    """Whether the server still holds its end of a line."""
    return any(each.raddr == line.getsockname() for each in process.net_connections())


async def test_nobody_reads_anothers_answer(server: Server) -> None:
    """Forty lines, some leaving in the middle: each answer is its asker's."""

    async def asker(name: int) -> int:
        right = 0
        line = await Line.open(server.port)
        for turn in range(25):
            text = f"{name}-{turn}"
            if turn % 7 == name % 7:
                line.writer.write(chat("slow", content=text))
                line.writer.transport.abort()
                line = await Line.open(server.port)
            reply = await line.chat("echo", content=text)
            right += reply.json["choices"][0]["message"]["content"] == text
        line.close()
        return right

    assert [25] * 40 == await asyncio.gather(*map(asker, range(40)))


@pytest.fixture
async def client(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own client with another base URL."""
    url = f"http://127.0.0.1:{server.port}/v1/"
    async with openai.AsyncOpenAI(base_url=url, api_key="st_good", max_retries=0) as each:
        yield each


async def test_openais_client_reads_a_whole_answer(client: openai.AsyncOpenAI) -> None:
    """Text, request id and our labels."""
    raw = await client.chat.completions.with_raw_response.create(
        model="hello", messages=[{"role": "user", "content": "Hi"}]
    )

    assert "Hello." == raw.parse().choices[0].message.content
    assert raw.headers["seatrial-record"] == raw.request_id
    assert "answer" == raw.headers["seatrial-decision"]


async def test_openais_client_reads_a_stream(client: openai.AsyncOpenAI) -> None:
    """Every piece, then the finish."""
    stream = await client.chat.completions.create(
        model="stream", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    text, finish = "", ""
    async for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish

    assert "".join(f"{i} " for i in range(PIECES)) == text
    assert "stop" == finish


async def test_openais_client_raises_the_right_errors(client: openai.AsyncOpenAI) -> None:
    """Statuses decide its exceptions."""
    bad = openai.AsyncOpenAI(base_url=client.base_url, api_key="st_bad", max_retries=0)
    async with bad:
        with pytest.raises(openai.AuthenticationError) as caught:
            await bad.models.list()
    assert "invalid_api_key" == caught.value.code
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(
            model="hello",
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"api_base": "x"},
        )

    assert ("field_not_allowed", "api_base") == (refused.value.code, refused.value.param)
    assert refused.value.request_id
