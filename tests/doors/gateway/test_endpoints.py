"""Who may use which endpoint, and what the others answer."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from seatrial.errors import StartRefused
from seatrial.gateway.asgi import build
from seatrial.gateway.endpoints import TABLE, Endpoint, Permission, Routes
from seatrial.gateway.face import Outlet
from seatrial.gateway.settings import DoorSettings
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused, Settled
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import (
    KEY,
    Client,
    FakeApp,
    Ready,
    State,
    Wire,
    Work,
    scope,
    settled,
)

pytestmark = pytest.mark.anyio

LISTED = Path(__file__).with_name("endpoints.txt")


def test_table_is_the_committed_one() -> None:
    """A new endpoint, or a changed permission, shows in review."""
    table = sorted(
        f"{each.method} {each.path} {each.permission and each.permission.value}" for each in TABLE
    )

    assert LISTED.read_text().splitlines() == table


def test_endpoint_without_permission_does_not_start() -> None:
    """Nothing is open because somebody forgot to say who may use it."""
    forgotten = replace(TABLE[0], permission=None)

    with pytest.raises(StartRefused, match="says not who may use it"):
        build(FakeApp(), table=(*TABLE[1:], forgotten))


def test_endpoint_twice_does_not_start() -> None:
    """Two handlers for one request would leave the choice to chance."""
    with pytest.raises(StartRefused, match="there twice"):
        Routes((*TABLE, TABLE[0]))


KEYED = [each for each in TABLE if each.permission is Permission.KEY]


WRONG = [
    [],
    [("authorization", "Bearer st_bad")],
    [("authorization", f"Bearer {KEY}x")],
    [("authorization", f"Bearer {KEY[:-1]}")],
    [("authorization", "Bearer ")],
    [("authorization", f"Basic {KEY}")],
    [("authorization", KEY)],
    [("api-key", "st_bad")],
    [("x-api-key", "st_bad")],
    [("x-api-key", "st_bäd")],
    [("x-api-key", "s" * 600)],
]


@pytest.mark.parametrize("headers", WRONG, ids=str)
@pytest.mark.parametrize("endpoint", KEYED, ids=lambda each: f"{each.method} {each.path}")
async def test_no_or_wrong_key_gets_401(endpoint: Endpoint, headers: list[tuple[str, str]]) -> None:
    """Every endpoint with a permission stays shut, and says so as OpenAI does."""
    app = FakeApp(needs_key=True)
    path = endpoint.path.replace("{id}", "support")
    for method in (endpoint.method, *(["HEAD"] if endpoint.method == "GET" else [])):
        reply = await Client(app).ask(method, path, headers=headers)

        assert 401 == reply.status
        assert "false" == reply.headers["x-should-retry"]
        assert reply.error["code"] in {"invalid_api_key", "missing_key"}
        assert [] == app.asked


@pytest.mark.parametrize("name", ["authorization", "api-key", "x-api-key", "Bearer lower"])
async def test_key_opens_in_every_form(name: str) -> None:
    """One function takes the key from wherever OpenAI's, Azure's and Anthropic's clients put it."""
    given = {"authorization": ("authorization", f"Bearer {KEY}")}.get(name, (name, KEY))
    if name == "Bearer lower":
        given = ("authorization", f"bearer {KEY}")
    app = FakeApp(needs_key=True)
    reply = await Client(app).ask(headers=[given, ("openai-organization", "org-1")])

    assert 200 == reply.status
    assert [KEY] == app.tokens


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("authorization", "api-key"),
        ("api-key", "x-api-key"),
        ("authorization", "x-api-key"),
        ("authorization", "authorization"),
        ("x-api-key", "x-api-key"),
    ],
)
async def test_two_credentials_get_400(first: str, second: str) -> None:
    """Even two good ones: which of them counts is nobody's guess."""
    app = FakeApp(needs_key=True)
    values = {"authorization": f"Bearer {KEY}"}
    headers = [(name, values.get(name, KEY)) for name in (first, second)]
    reply = await Client(app).ask(headers=headers)

    assert 400 == reply.status
    assert "two_credentials" == reply.error["code"]
    assert [] == app.tokens


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "a.localhost", "me:1"],
)
async def test_own_host_passes(host: str) -> None:
    """Loopback names and configured ones are ours."""
    assert 200 == await status_for(host, DoorSettings(hosts=("me",)))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:8080", 421),
        ("169.254.169.254", 421),
        ("0.0.0.0", 421),
        ("localhost/evil", 400),
        ("user@localhost", 400),
        ("localhost:x", 400),
        ("", 400),
    ],
)
async def test_foreign_host_is_refused(host: str, status: int) -> None:
    """A page that points its own name at the loopback does not get in."""
    assert status == await status_for(host, DoorSettings())


async def test_public_gateway_takes_any_host() -> None:
    """Where keys guard the door, names do not matter, unless some are configured."""
    assert 200 == await status_for("gateway.example", DoorSettings(host="0.0.0.0"))
    assert 421 == await status_for("other", DoorSettings(host="0.0.0.0", hosts=("gateway",)))


async def status_for(host: str, settings: DoorSettings) -> int:
    """Return the status of a plain request with this `Host`."""
    wire = Wire()
    asgi = build(FakeApp(), settings)
    await asgi(scope("GET", "/v1/models", [("host", host)]), wire.receive, wire.send)
    return wire.reply.status


async def test_missing_host_is_refused() -> None:
    """HTTP/1.1 demands one."""
    wire = Wire()
    await build(FakeApp())(scope("GET", "/v1/models", []), wire.receive, wire.send)

    assert 400 == wire.reply.status


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v1",
        "/v1/",
        "/v1/chat",
        "/v1/models/",
        "/v2/models",
        "//v1/models",
        "/V1/models",
        "/livez/x",
    ],
)
async def test_unknown_path_is_an_error_object(path: str) -> None:
    """Clients can read it; nobody meets HTML."""
    reply = await Client(FakeApp()).ask("GET", path)

    if path == "/v1/models/":
        assert 200 == reply.status
        return
    assert 404 == reply.status
    assert {"message", "type", "param", "code"} <= reply.error.keys()
    assert "false" == reply.headers["x-should-retry"]
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/models", "GET, HEAD"),
        ("POST", "/v1/models/support", "GET, HEAD"),
        ("OPTIONS", "/v1/chat/completions/", "POST"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_wrong_method_names_the_right_ones(method: str, path: str, allow: str) -> None:
    """405 with `Allow`."""
    reply = await Client(FakeApp()).ask(method, path)

    assert 405 == reply.status
    assert allow == reply.headers["allow"]


async def test_models_are_the_features() -> None:
    """The list and each entry, with and without a trailing slash."""
    client = Client(FakeApp(features=("support", "org/triage")))
    listed = (await client.ask("GET", "/v1/models/")).json

    assert "list" == listed["object"]
    assert ["support", "org/triage"] == [each["id"] for each in listed["data"]]
    for each in listed["data"]:
        assert each == (await client.ask("GET", f"/v1/models/{each['id']}")).json
        assert {"id", "object", "created", "owned_by"} == each.keys()


async def test_unknown_model_is_404() -> None:
    """With the code that clients know."""
    reply = await Client(FakeApp()).ask("GET", "/v1/models/nobody")

    assert (404, "model_not_found") == (reply.status, reply.error["code"])


async def test_headers_have_bounds() -> None:
    """A hundred headers and 16 KiB, and no more."""
    client = Client(FakeApp())

    assert 200 == (await client.ask(headers=[(f"x-{i}", "v") for i in range(99)])).status
    assert 431 == (await client.ask(headers=[(f"x-{i}", "v") for i in range(100)])).status
    assert 200 == (await client.ask(headers=[("x", "v" * 16_000)])).status
    assert 431 == (await client.ask(headers=[("x", "v" * 17_000)])).status


async def test_live_follows_the_loop_alone() -> None:
    """No key, no host, no store."""
    app = FakeApp(needs_key=True)
    client = Client(app)
    wire = Wire()
    await client.asgi(scope("GET", "/livez", []), wire.receive, wire.send)

    assert 200 == wire.reply.status
    app.alive = False
    assert 503 == (await client.ask("GET", "/livez")).status


async def test_ready_lists_what_is_away() -> None:
    """An absent store is told and kills nobody."""
    client = Client(FakeApp(readiness=Ready(degraded=("store",))))
    reply = await client.ask("GET", "/readyz")

    assert 200 == reply.status
    assert {"ready": True, "degraded": ["store"]} == reply.json
    client.app.readiness = Ready(ok=False)
    assert 503 == (await client.ask("GET", "/readyz")).status


async def test_targets_tell_their_breakers() -> None:
    """Every outlet that was asked, in one JSON list; numbers, so that displays can count down."""
    resting = State("large", "api.example.org", "open", rests_s=2.34567, in_flight=1)
    reply = await Client(FakeApp(states=(resting, State("small", "call")))).ask(
        "GET", "/api/v1/targets"
    )

    assert 200 == reply.status
    assert "no-store" == reply.headers["cache-control"]
    assert [
        {
            "target": "large",
            "outlet": "api.example.org",
            "state": "open",
            "rests_s": 2.346,
            "in_flight": 1,
        },
        {"target": "small", "outlet": "call", "state": "closed", "rests_s": 0.0, "in_flight": 0},
    ] == reply.json


async def test_load_tells_who_was_not_let_in() -> None:
    """Requests that were refused at the door have no record: here they are counted."""
    app = FakeApp()
    app.at_work = Work(in_flight=3, queued=1, overloaded=True, refused={"overloaded": 7})
    reply = await Client(app).ask("GET", "/api/v1/load")

    assert 200 == reply.status
    assert "no-store" == reply.headers["cache-control"]
    assert {
        "in_flight": 3,
        "capacity": 8,
        "queued": 1,
        "overloaded": True,
        "lag_s": 0.0,
        "refused": {"overloaded": 7},
        "refusal_p99_s": 0.0,
    } == reply.json


async def test_under_pressure_bodies_are_not_read() -> None:
    """Who is refused for want of places is told by key and header alone; there is no record."""
    app = FakeApp(sheds=Refused("overloaded", "Too much to do.", retry_after_s=1.5))
    batch = [("seatrial-criticality", "batch")]
    reply = await Client(app).ask(
        "POST", "/v1/chat/completions", body=b"not json at all", headers=batch
    )

    assert (503, "overloaded") == (reply.status, reply.error["code"])
    assert ("2", "1500") == (reply.headers["retry-after"], reply.headers["retry-after-ms"])
    assert "seatrial-record" not in reply.headers
    assert reply.headers["x-request-id"]
    assert ([], [Criticality.BATCH]) == (app.asked, app.criticalities)
    assert 1 == len(app.told_s)
    assert 0.0 <= app.told_s[0] < 10.0


async def test_whoever_asked_before_is_heard_even_so() -> None:
    """A request with a key may have its result already: it is not refused unread."""
    app = FakeApp(sheds=Refused("overloaded", "Too much to do."))
    reply = await Client(app).chat(headers=[("idempotency-key", "k1")])

    assert 200 == reply.status


async def test_what_is_not_let_in_shows_no_record() -> None:
    """Refused before it began: its id leads to no record."""

    async def refuses(request: Request, sink: Outlet | None) -> Settled:
        refused = Refused("rate_limited", "Enough.", retry_after_s=1.0)
        return replace_struct(settled(request, refused), let_in=False)

    app = FakeApp(script=refuses)
    reply = await Client(app).chat()

    assert 429 == reply.status
    assert "seatrial-record" not in reply.headers
    assert 1 == len(app.told_s)
