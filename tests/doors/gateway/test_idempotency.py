"""Twins at the doors: requests with one key get one answer, from a real application."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from seatrial.app import Seatrial
from seatrial.errors import BadRequest, NoTargetLeft
from seatrial.ports import RecordQuery
from tests.doors.gateway.scripted import CHAT, JSON, Client, FakeApp, Reply
from tests.patience import LONG_S, until

pytestmark = pytest.mark.anyio

CONFIG = """
[service]
store = "{store}"
record_content = {keep}

[features.support]
purpose = "Answers"
owner = "me@example.org"
route = ["support"]

[features.support.requirements]
deadline_s = {deadline_s}

[features.support.input]
personal_data = "redact"
restore = true
max_chars = 100

[features.talk.input]
personal_data = "redact"
restore = true

[features.talk]
purpose = "Answers in pieces"
owner = "me@example.org"
route = ["talk"]
"""


class Model:
    """A function under a feature: slow as told, counts its calls, never says the same twice.

    While it is `held` its calls do not end.
    """

    def __init__(self, *, slow_s: float = 0.0, held: bool = False) -> None:
        self.slow_s = slow_s
        self.calls = 0
        self.fails = False
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, question: str) -> str:
        self.calls += 1
        number = self.calls
        await self.go.wait()
        await asyncio.sleep(self.slow_s)
        if self.fails:
            raise RuntimeError("no answer today")
        return f"Answer {number} to {question}"


def settings(
    folder: Path, *, store: str = "sqlite:seatrial.db", keep: bool = True, deadline_s: float = 20.0
) -> Path:
    """Write the configuration."""
    path = folder / "seatrial.toml"
    path.write_text(CONFIG.format(store=store, keep=str(keep).lower(), deadline_s=deadline_s))
    return path


@asynccontextmanager
async def opened(path: Path, model: Model) -> AsyncIterator[tuple[Seatrial, Client]]:
    """Start an application whose feature is the model, behind its doors."""
    app = Seatrial.open(path)

    async def support(question: str) -> str:
        return await model(question)

    async def talk(question: str) -> AsyncIterator[str]:
        for word in (await model(question)).split():
            yield word + " "
            await asyncio.sleep(0.01)

    app.feature("support")(support)
    app.feature("talk")(talk)
    async with app:
        yield app, Client(cast("FakeApp", app))


def keyed(key: str = "k1", **more: str) -> list[tuple[str, str]]:
    """Return the headers of a request with a key."""
    return [("idempotency-key", key), *more.items()]


def said(reply: Reply) -> str:
    """Return what a streamed answer says."""
    texts = [event["choices"][0]["delta"].get("content", "") for event in reply.events[:-1]]
    return "".join(texts)


async def test_of_a_thousand_twins_one_is_answered(tmp_path: Path) -> None:
    """All of them read the same bytes; there is one call, and one record."""
    model = Model(slow_s=0.3)
    async with opened(settings(tmp_path, deadline_s=100), model) as (app, client):
        replies = await asyncio.gather(*(client.chat(headers=keyed()) for _ in range(1_000)))
        late = await client.chat(headers=keyed())

    assert {late.body: 1_001} == Counter(reply.body for reply in [*replies, late])
    assert {200} == {reply.status for reply in replies}
    assert 1 == model.calls
    replayed = Counter(reply.headers.get("seatrial-replayed", "") for reply in [*replies, late])
    assert {"": 1, "true": 1_000} == replayed
    records = Seatrial.open(app.config.path).store.records.find(RecordQuery(limit=10))
    assert [late.headers["seatrial-record"]] == [record.id for record in records]


async def test_another_body_is_told(tmp_path: Path) -> None:
    """While the first runs and after it; the order of a body's keys makes no other body."""
    model = Model(held=True)
    async with opened(settings(tmp_path), model) as (_, client):
        first = asyncio.ensure_future(client.chat(headers=keyed()))
        await until(lambda: model.calls == 1)
        meanwhile = await client.chat(headers=keyed(), temperature=0.5)
        model.go.set()
        answer = await first
        after = await client.chat(headers=keyed(), temperature=0.5)
        turned = json.dumps(dict(reversed(CHAT.items())))
        same = await client.chat(headers=keyed(), raw=turned.encode())

    for reply in (meanwhile, after):
        assert (422, "idempotency_key_reused") == (reply.status, reply.error["code"])
        assert "false" == reply.headers["x-should-retry"]
        assert reply.error["request_id"] == reply.headers["seatrial-record"]
    assert answer.body == same.body
    assert 1 == model.calls


async def test_other_keys_and_features_are_nobodys_twins(tmp_path: Path) -> None:
    """A key counts within its feature."""
    model = Model()
    async with opened(settings(tmp_path), model) as (_, client):
        one = await client.chat(headers=keyed("k1"))
        two = await client.chat(headers=keyed("k2"))
        talk = await client.chat(headers=keyed("k1"), model="talk")
        without = await client.chat()

    assert 4 == model.calls == len({one.body, two.body, talk.body, without.body})


async def test_a_stream_is_replayed_as_a_stream(tmp_path: Path) -> None:
    """Twins who wait and twins who come later: the same words, id and end; one call."""
    model = Model(slow_s=0.2)
    async with opened(settings(tmp_path), model) as (_, client):

        async def ask() -> Reply:
            return await client.chat(headers=keyed(), model="talk", stream=True)

        first, *twins = await asyncio.gather(*(ask() for _ in range(50)))
        twins.append(await ask())

    assert "Answer 1 to Hi " == said(first)
    assert 1 == model.calls
    for twin in twins:
        assert said(first) == said(twin)
        assert "[DONE]" == twin.events[-1]
        assert first.events[0]["id"] == twin.events[0]["id"]
        assert first.events[0]["created"] == twin.events[0]["created"]
        assert "text/event-stream; charset=utf-8" == twin.headers["content-type"]
        assert first.headers["seatrial-record"] == twin.headers["seatrial-record"]
        assert "true" == twin.headers["seatrial-replayed"]
    assert "seatrial-replayed" not in first.headers


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
async def test_every_dialect_replays(tmp_path: Path, path: str, stream: bool) -> None:
    """In its own shape, with the first one's id."""
    asked: dict[str, Any] = {"model": "support", "stream": stream}
    if path == "/v1/messages":
        asked |= {"max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    else:
        asked |= {"input": "Hi"}
    body = json.dumps(asked).encode()
    model = Model(slow_s=0.1)
    async with opened(settings(tmp_path), model) as (_, client):
        headers = [JSON, *keyed()]
        replies = await asyncio.gather(
            *(client.ask("POST", path, headers=headers, body=body) for _ in range(5))
        )
        replies.append(await client.ask("POST", path, headers=headers, body=body))

    assert {200} == {reply.status for reply in replies}
    assert 1 == len({reply.body for reply in replies})
    assert b"Answer 1 to Hi" in replies[0].body
    assert 1 == model.calls


async def test_vectors_are_replayed(tmp_path: Path) -> None:
    """Number by number; another form of them is another request."""
    app = Seatrial.open(settings(tmp_path))
    calls = 0

    @app.feature("support")
    async def support(question: list[str]) -> list[list[float]]:
        nonlocal calls
        calls += 1
        return [[calls + 0.1 * index] for index, _ in enumerate(question)]

    app.feature("talk")(lambda question: None)

    async def embed(**more: str) -> Reply:
        body = json.dumps({"model": "support", "input": ["one", "two"], **more}).encode()
        return await client.ask("POST", "/v1/embeddings", headers=[JSON, *keyed()], body=body)

    async with app:
        client = Client(cast("FakeApp", app))
        replies = [await embed(), await embed()]
        other = await embed(encoding_format="base64")

    assert [200, 200, 422] == [reply.status for reply in [*replies, other]]
    assert replies[0].body == replies[1].body
    assert 2 == len(replies[0].json["data"])
    assert 1 == calls


async def test_errors_of_the_server_are_replayed(tmp_path: Path) -> None:
    """A second try is another request: with its own key.  Clients are told not to try."""
    model = Model()
    model.fails = True
    async with opened(settings(tmp_path), model) as (_, client):
        first = await client.chat(headers=keyed())
        calls = model.calls
        model.fails = False
        again = await client.chat(headers=keyed())
        streamed = await client.chat(headers=keyed("k2"), stream=True)

    assert (503, "no_target_left") == (first.status, first.error["code"])
    assert (503, first.body) == (again.status, again.body)
    assert ("true", "true") == (
        first.headers["x-should-retry"],
        again.headers["seatrial-replayed"],
    )
    assert "false" == again.headers["x-should-retry"]
    assert "retry-after" not in again.headers
    assert calls + 1 == model.calls
    assert 200 == streamed.status


async def test_what_was_not_carried_out_is_asked_anew(tmp_path: Path) -> None:
    """A body that is refused at the door takes no key; nor does one that a check refuses."""
    model = Model()
    async with opened(settings(tmp_path), model) as (_, client):
        bad = await client.chat({"messages": "Hi"}, headers=keyed())
        long = {"messages": [{"role": "user", "content": "x" * 101}]}
        refused = await client.chat(long, headers=keyed())
        good = await client.chat(headers=keyed())

    assert (400, 400, 200) == (bad.status, refused.status, good.status)
    assert "seatrial-replayed" not in good.headers
    assert 1 == model.calls


async def test_the_next_twin_is_answered_when_the_first_leaves(tmp_path: Path) -> None:
    """Nobody's answer is nobody's result."""
    model = Model(held=True)
    async with opened(settings(tmp_path), model) as (_, client):
        first = asyncio.ensure_future(client.chat(headers=keyed()))
        await until(lambda: model.calls == 1)
        twins = [asyncio.ensure_future(client.chat(headers=keyed())) for _ in range(3)]
        await asyncio.sleep(0.1)
        first.cancel()
        model.go.set()
        replies = await asyncio.gather(*twins)

    assert {200} == {reply.status for reply in replies}
    assert 1 == len({reply.body for reply in replies})
    assert "Answer 2 to Hi" == replies[0].json["choices"][0]["message"]["content"]
    assert 2 == model.calls


async def test_a_twin_waits_no_longer_than_its_own_deadline(tmp_path: Path) -> None:
    """Then it is told that the first one runs, and when to come back."""
    model = Model(held=True)
    async with opened(settings(tmp_path, deadline_s=60), model) as (app, client):
        first = asyncio.ensure_future(client.chat(headers=keyed()))
        await until(lambda: model.calls == 1)
        started = app.now()
        hasty = await client.chat(headers=[*keyed(), ("seatrial-deadline", "0.5")])
        took_s = app.now() - started
        first.cancel()

    assert (409, "idempotency_running") == (hasty.status, hasty.error["code"])
    assert "true" == hasty.headers["x-should-retry"]
    assert 1 <= int(hasty.headers["retry-after"]) <= 5
    assert 0.2 < took_s < LONG_S


async def test_a_result_survives_a_restart(tmp_path: Path) -> None:
    """With personal data in its place again, which the store never had."""
    path = settings(tmp_path)
    words = {"messages": [{"role": "user", "content": "I am ann@example.org"}]}
    async with opened(path, Model()) as (_, client):
        first = await client.chat(words, headers=keyed())
        streamed = await client.chat(words, headers=keyed("k2"), model="talk", stream=True)
    model = Model()
    async with opened(path, model) as (app, client):
        again = await client.chat(words, headers=keyed())
        twin = await client.chat(words, headers=keyed("k2"), model="talk", stream=True)
        claims = read_claims(app)

    assert "ann@example.org" in first.json["choices"][0]["message"]["content"]
    assert first.body == again.body
    assert "ann@example.org" in said(streamed)
    assert said(streamed) == said(twin)
    assert 0 == model.calls
    assert "EMAIL_1" in claims
    assert "ann@example.org" not in claims


def read_claims(app: Seatrial) -> str:
    """Return everything that the store holds of keys, as one text."""
    from sqlalchemy import select

    from seatrial.store.tables import idempotency

    with app.store._database.reading() as connection:  # type: ignore[attr-defined]  # SQL's own
        rows = [tuple(row) for row in connection.execute(select(idempotency))]
    return repr(rows)


async def test_without_content_a_result_is_replayed_from_memory_alone(tmp_path: Path) -> None:
    """The store knows that there was one, and no word of it; after a restart that is said."""
    path = settings(tmp_path, keep=False)
    async with opened(path, Model()) as (app, client):
        first = await client.chat(headers=keyed())
        again = await client.chat(headers=keyed())
        other = await client.chat(headers=keyed(), temperature=0.5)
        claims = read_claims(app)
    model = Model()
    async with opened(path, model) as (_, client):
        after = await client.chat(headers=keyed())

    assert first.body == again.body
    assert (422, "idempotency_key_reused") == (other.status, other.error["code"])
    assert "Answer" not in claims
    assert (409, "idempotency_not_kept") == (after.status, after.error["code"])
    assert first.headers["seatrial-record"] in after.error["message"]
    assert "false" == after.headers["x-should-retry"]
    assert 0 == model.calls


def rename(app: Seatrial, before: str, after: str) -> None:
    """Put the table of keys away, or back."""
    from sqlalchemy import text

    with app.store._database.writing(sync=False) as connection:  # type: ignore[attr-defined]  # SQL's own
        connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


async def test_without_a_store_a_key_is_refused(tmp_path: Path) -> None:
    """Nobody could tell whether it was used; requests without one are answered."""
    model = Model()
    async with opened(settings(tmp_path), model) as (app, client):
        rename(app, "idempotency", "away")
        refused = await client.chat(headers=keyed())
        plain = await client.chat()
        rename(app, "away", "idempotency")
        back = refused
        for _ in range(50):  # what the first one may have claimed is given back first
            if back.status == 200:
                break
            assert "true" == back.headers["x-should-retry"]
            await asyncio.sleep(0.1)
            back = await client.chat(headers=keyed())

    assert (503, "idempotency_unavailable") == (refused.status, refused.error["code"])
    assert "retry-after" in refused.headers
    assert (200, 200) == (plain.status, back.status)
    assert 2 == model.calls


async def test_a_store_that_goes_away_meanwhile_stops_no_answer(tmp_path: Path) -> None:
    """Its result is stored once the store is back; twins here have it at once."""
    path = settings(tmp_path)
    model = Model(held=True)
    async with opened(path, model) as (app, client):
        first = asyncio.ensure_future(client.chat(headers=keyed()))
        await until(lambda: model.calls == 1)
        rename(app, "idempotency", "away")
        model.go.set()
        answered = await first
        twin = await client.chat(headers=keyed())
        rename(app, "away", "idempotency")
    async with opened(path, model) as (_, client):
        after = await client.chat(headers=keyed())

    assert 200 == answered.status
    assert answered.body == twin.body == after.body
    assert 1 == model.calls


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\0b", "\u202e", "\x7f"])
async def test_what_is_no_key_is_refused(tmp_path: Path, key: str) -> None:
    """It must be told apart by people too."""
    model = Model()
    async with opened(settings(tmp_path), model) as (app, client):
        reply = await client.chat(headers=keyed(key))
        if key:
            with pytest.raises(BadRequest):
                await app.ask_async("support", "Hi", idempotency_key=key if key != " " else "\t")

    assert (400, "idempotency-key") == (reply.status, reply.error["param"])
    assert 0 == model.calls


async def test_the_longest_key_is_taken(tmp_path: Path) -> None:
    """255 characters, whatever their bytes."""
    model = Model()
    async with opened(settings(tmp_path), model) as (_, client):
        replies = [await client.chat(headers=keyed("é" * 255)) for _ in range(2)]

    assert 200 == replies[0].status
    assert replies[0].body == replies[1].body


async def test_the_library_has_keys_too(tmp_path: Path) -> None:
    """The same reply for the same question; another question is told, and errors stay."""
    model = Model(slow_s=0.1)
    async with opened(settings(tmp_path), model) as (app, _):

        async def ask(question: str = "Hi", name: str = "Bob") -> Any:
            return await app.ask_async("support", question, idempotency_key="k", name=name)

        replies = await asyncio.gather(*(ask() for _ in range(100)))
        assert 1 == len({(reply.text, reply.record_id) for reply in replies})
        with pytest.raises(BadRequest, match="used for another"):
            await ask("Ho")
        with pytest.raises(BadRequest, match="used for another"):
            await ask(name="Ann")
        model.fails = True
        codes = []
        for _ in range(2):
            with pytest.raises(NoTargetLeft) as caught:
                await app.ask_async("support", "Hi", idempotency_key="k2")
            codes.append((caught.value.code, caught.value.record_id))

    assert codes[0] == codes[1]
    assert "no_target_left" == codes[0][0]
    assert 1 == model.calls - 1


async def test_old_keys_are_forgotten(tmp_path: Path) -> None:
    """After two days; never within one."""
    path = settings(tmp_path)
    store = Seatrial.open(path).store
    store.ready()
    for name, age_days in (("old", 2.1), ("young", 1.1)):
        at = time.time() - 86_400 * age_days
        store.idempotency.claim(name, fingerprint="f", holder=name, now=at, lease_s=1.0)
        store.idempotency.finish(name, holder=name, result=b"done", now=at)
    async with opened(path, Model()) as (app, _):
        left = read_claims(app)
        for _ in range(100):
            if "old" not in left:
                break
            await asyncio.sleep(0.05)
            left = read_claims(app)

    assert "old" not in left
    assert "young" in left
