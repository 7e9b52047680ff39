"""The demo's model on real sockets: fine answers in fine weather, the right trouble otherwise."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest

from seatrial.cli.demo.experiment import train
from seatrial.cli.demo.model import ModelServer, ModelThread
from seatrial.cli.demo.questions import load_questions
from seatrial.cli.demo.weather import Spell, Weather, weather_at, write_script
from seatrial.testing.driver import Client, Exchange, Heard

LIMIT_S = 5.0


def echo(question: str) -> str:
    """Answer with three words and the question."""
    return f"You asked this: {question}"


def body(text: str = "Where is it?", **more: object) -> dict[str, object]:
    """Make a chat request."""
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    return {"model": "any", "messages": messages} | more


@asynccontextmanager
async def visiting(model: ModelServer) -> AsyncIterator[Client]:
    """Run the model, and a client of it."""
    async with model:
        client = Client(model.base_url)
        yield client
        client.close()


async def ask(client: Client) -> Exchange:
    """Send one chat request, and tell what came."""
    content = json.dumps(body()).encode()
    return await client.post("/chat/completions", content, {}, give_up_s=LIMIT_S)


def test_the_openai_client_gets_answers_whole_and_streamed() -> None:
    """The real client reads both forms, with usage, over one connection after another."""
    experiment = train(load_questions())
    question = "I need an invoice for my order"
    expected = experiment.answer(question).text

    with (
        ModelThread(lambda text: experiment.answer(text).text) as model,
        openai.OpenAI(base_url=model.base_url, api_key="none", max_retries=0, timeout=5) as client,
    ):
        whole = client.chat.completions.create(
            model="glanmor-1", messages=[{"role": "user", "content": question}]
        )
        events = list(
            client.chat.completions.create(
                model="glanmor-1",
                messages=[{"role": "user", "content": [{"type": "text", "text": question}]}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        listed = [each.id for each in client.models.list()]
        met = model.met

    words = [event.choices[0].delta.content or "" for event in events if event.choices]
    assert expected == whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.total_tokens == len(question.split()) + len(expected.split())
    assert expected == "".join(words)
    assert len(words) > 10
    assert events[-2].choices[0].finish_reason == "stop"
    assert events[-1].usage == whole.usage
    assert ["glanmor-1"] == listed
    assert {Weather.FINE: 2} == met


def test_latency_is_about_sixty_milliseconds() -> None:
    """The median of many answers asked at once lies near its aim."""

    async def scene() -> list[float]:
        async with visiting(ModelServer(echo)) as client:
            return [(await ask(client)).total_s for _ in range(25)]

    latencies = sorted(asyncio.run(scene()))

    assert 0.03 < latencies[12] < 0.25


def test_down_refuses_and_comes_back_on_the_same_port() -> None:
    """While down, open lines are cut and new ones refused; afterwards all is as before."""

    async def scene() -> None:
        model = ModelServer(echo)
        async with visiting(model) as client:
            cut = asyncio.create_task(ask(client))
            await asyncio.sleep(0.01)
            await model.turn(Weather.DOWN)
            assert (await cut).heard in {Heard.CUT, Heard.RESET}
            assert Heard.REFUSED is (await ask(client)).heard
            await model.turn(Weather.FINE)
            assert 200 == (await ask(client)).status

    asyncio.run(scene())


def test_unavailable_says_503_in_the_error_object() -> None:
    """The error has the four keys that clients expect."""

    async def scene() -> tuple[int, dict[str, dict[str, str | None]]]:
        model = ModelServer(echo)
        async with visiting(model) as client:
            await model.turn(Weather.UNAVAILABLE)
            reply = await ask(client)
            return reply.status, json.loads(reply.body)

    status, answer = asyncio.run(scene())

    assert 503 == status
    assert {"message", "type", "param", "code"} == set(answer["error"])


def test_a_hang_never_answers_and_notices_who_leaves() -> None:
    """A hanging request stays hanging in fine weather, until its caller goes."""

    async def scene() -> int:
        model = ModelServer(echo)
        async with visiting(model) as client:
            await model.turn(Weather.HANG)
            hanging = asyncio.create_task(ask(client))
            await asyncio.sleep(0.1)
            await model.turn(Weather.FINE)
            await asyncio.sleep(0.3)
            assert not hanging.done()
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)
            await asyncio.sleep(0.1)
            return model.left

    assert 1 == asyncio.run(scene())


def test_a_brown_out_slows_with_the_crowd_and_refuses_some() -> None:
    """A crowd waits longer than one caller does, and some are told when to come again."""

    async def scene() -> tuple[list[Exchange], list[Exchange]]:
        model = ModelServer(echo)
        async with visiting(model) as client:
            await model.turn(Weather.BROWN_OUT)
            alone = [await ask(client) for _ in range(5)]
            crowd = await asyncio.gather(*(ask(client) for _ in range(30)))
        return alone, list(crowd)

    alone, crowd = asyncio.run(scene())

    def slowest(replies: list[Exchange]) -> float:
        return max(reply.total_s for reply in replies if reply.status == 200)

    assert {200, 429} == {reply.status for reply in crowd}
    assert {"1"} == {reply.headers["retry-after"] for reply in crowd if reply.status == 429}
    assert slowest(crowd) > slowest(alone)
    assert slowest(alone) > 0.06


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"messages": [7]}', 400),
        (b'{"messages": []}', 400),
        (json.dumps(body("x" * 5_000_000)).encode(), 413),
    ],
)
def test_nonsense_is_refused_with_a_reason(sent: bytes, status: int) -> None:
    """What is no chat request gets an error object and no answer; the server goes on."""

    async def scene() -> None:
        model = ModelServer(echo)
        async with model:
            reader, writer = await asyncio.open_connection("127.0.0.1", model.port)
            head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(sent)}\r\n\r\n"
            writer.write(head.encode() + sent[:1000])
            reply = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert reply.startswith(f"HTTP/1.1 {status} ".encode())
            assert "error" in json.loads(reply.partition(b"\r\n\r\n")[2])
            again = await ask(Client(model.base_url, keep_alive=False))
            assert 200 == again.status

    asyncio.run(scene())


def test_the_script_is_followed_in_time() -> None:
    """The server's weather is the script's, spell by spell, and fine afterwards."""
    script = (
        Spell(Weather.FINE, 0.2),
        Spell(Weather.DOWN, 0.2),
        Spell(Weather.HANG, 0.2),
    )

    async def scene() -> list[Weather]:
        async with ModelServer(echo, script=script) as model:
            model.begin()
            seen = []
            for _ in range(4):
                await asyncio.sleep(0.1)
                seen.append(model.weather)
                await asyncio.sleep(0.1)
            return seen

    assert [Weather.FINE, Weather.DOWN, Weather.HANG, Weather.FINE] == asyncio.run(scene())


def test_the_demo_has_all_weathers_and_ends_fine() -> None:
    """The script is as long as it is told to be, and shows every weather between fine ones."""
    script = write_script(40.0)

    assert set(Weather) == {spell.weather for spell in script}
    assert sum(spell.lasts_s for spell in script) == pytest.approx(40.0)
    assert Weather.FINE is script[0].weather is script[-1].weather
    assert [spell.weather for spell in script] == [
        weather_at(script, sum(each.lasts_s for each in script[:at]) + 0.01)
        for at in range(len(script))
    ]
    assert Weather.FINE is weather_at(script, 41.0)


def test_a_thread_that_was_not_entered_says_so() -> None:
    """Beginning too early is an error with a way out."""
    model = ModelThread(echo)

    with pytest.raises(RuntimeError, match="enter it with"):
        model.begin()
    with model:
        model.begin()
