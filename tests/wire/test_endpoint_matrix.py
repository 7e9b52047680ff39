"""Every endpoint, asked by everybody: only what the table opens is open, and nobody meets another.

The cases are made from the endpoint table, so that a new endpoint is in them from its first day.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seatrial.app import Seatrial
from seatrial.gateway.endpoints import TABLE, Endpoint, Permission
from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FaultyUpstream

pytestmark = pytest.mark.wire

CONFIG = """
[service]
store = "sqlite:records.db"

[targets.good]
provider = "openai"
base_url = "{base_url}"
model = "m"
price = {{ input_usd_mtok = 1, output_usd_mtok = 1, request_usd = 1 }}

[targets.weak]
provider = "openai"
base_url = "{base_url}"
model = "weak"
price = 0

[features.support]
route = ["good"]

[features.other]
route = ["good"]

[features.kept]
route = ["weak", "cache"]

[features.limited]
route = ["good"]
[features.limited.limits]
key_requests_day = 2

[features.paid]
route = ["good"]
[features.paid.budgets]
key_usd_day = 2.5
"""
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "/v1/embeddings": {"input": ["Hi"]},
}
FORMS = ("authorization", "api-key", "x-api-key")
KEYED = [each for each in TABLE if each.permission is Permission.KEY]
ASKING = [each for each in KEYED if each.method == "POST"]


def name_of(endpoint: Endpoint) -> str:
    """Name an endpoint."""
    return f"{endpoint.method} {endpoint.path}"


@dataclass
class Place:
    """A server, its target, and keys in its store."""

    port: int
    upstream: FaultyUpstream
    keys: dict[str, str]

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        *,
        feature: str = "support",
        **more: Any,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Ask once; `{id}` in a path is the feature."""
        body = None
        if method == "POST":
            body = json.dumps({"model": feature, **BODIES.get(path, {}), **more})
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
            kind = {"content-type": "application/json"}
            line.request(method, path.replace("{id}", feature), body, {**kind, **headers})
            reply = line.getresponse()
            return reply.status, reply.read(), {k.lower(): v for k, v in reply.getheaders()}

    def chat(self, key: str, feature: str, headers: dict[str, str] | None = None) -> Any:
        """Ask for an answer with one of the keys; return status, text and headers."""
        status, said, found = self.ask(
            "POST",
            "/v1/chat/completions",
            {**bearer(self.keys[key]), **(headers or {})},
            feature=feature,
        )
        read = json.loads(said)
        text = read["choices"][0]["message"]["content"] if status == 200 else read["error"]["code"]
        return status, text, found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server with keys of two tenants, one of one feature only, and one revoked."""
    config: Path = tmp_path_factory.mktemp("matrix") / "seatrial.toml"
    with FaultyUpstream() as upstream:
        config.write_text(CONFIG.format(base_url=upstream.base_url))
        with GatewayProcess(config) as process:
            maker = Seatrial.open(config)
            made = {
                name: maker.create_key(name, features=features, tenant=tenant)
                for name, tenant, features in (
                    ("ann", "a", ()),
                    ("ada", "a", ()),
                    ("bob", "b", ()),
                    ("narrow", "a", ("other",)),
                    ("revoked", "a", ()),
                )
            }
            maker.revoke_key(made["revoked"][0].id)
            here = Place(process.port, upstream, {name: token for name, (_, token) in made.items()})
            wait_for_keys(here)
            yield here


def wait_for_keys(here: Place) -> None:
    """Wait until the server has heard of them."""
    from tests.wire.waiting import until

    until(lambda: here.ask("GET", "/v1/models", bearer(here.keys["narrow"]))[0] == 200, limit_s=60)
    until(lambda: here.ask("GET", "/v1/models", bearer(here.keys["revoked"]))[0] == 401, limit_s=60)


def bearer(token: str) -> dict[str, str]:
    """Return the header that OpenAI's clients send."""
    return {"authorization": f"Bearer {token}"}


def given(form: str, token: str) -> dict[str, str]:
    """Return a credential in one of its forms."""
    return bearer(token) if form == "authorization" else {form: token}


# ---------------------------------------------------------------- who may ask


@pytest.mark.parametrize("endpoint", TABLE, ids=name_of)
def test_only_what_is_declared_is_open(place: Place, endpoint: Endpoint) -> None:
    """Without a key, and with every kind of wrong one, in every form: 401, and no target hears."""
    good = place.keys["ann"]
    before = len(place.upstream.log)
    wrong = [
        {},
        *(
            given(form, token)
            for form in FORMS
            for token in (
                *("", "st", "st-", "sk-proj-1", "null", "st-0000000000-x", "é", "a" * 600),
                good[:-1],
                good[:-1] + ("a" if good[-1] != "a" else "b"),
                good + "a",
                good.upper(),
                good.replace("-", "_", 1),
                place.keys["revoked"],
            )
        ),
        {"authorization": f"Basic {good}"},
        {"authorization": f"Bearer  {good[:-2]}"},
        {"authorization": good},
        {"cookie": f"api_key={good}"},
        {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
        {"x-original-url": "/livez", "x-rewrite-url": "/livez"},
    ]
    statuses = {place.ask(endpoint.method, endpoint.path, each)[0] for each in coded(wrong)}

    assert statuses == ({200} if endpoint.permission is Permission.OPEN else {401})
    assert before == len(place.upstream.log)


def coded(headers: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Iterate over headers as a client could send them."""
    for each in headers:
        yield {name: value.encode().decode("latin-1") for name, value in each.items()}


@pytest.mark.parametrize("endpoint", KEYED, ids=name_of)
@pytest.mark.parametrize("form", FORMS)
def test_right_key_opens_in_every_form(place: Place, endpoint: Endpoint, form: str) -> None:
    """What is asked with it is found, or not there; two of them are refused."""
    good, other = place.keys["ann"], place.keys["bob"]
    status = place.ask(endpoint.method, endpoint.path, given(form, good))[0]

    assert status == (404 if endpoint.path == "/v1/responses/{id}" else 200)
    for second in set(FORMS) - {form}:
        for token in (good, other, "st-wrong"):
            both = {**given(form, good), **given(second, token)}
            refused, said, _ = place.ask(endpoint.method, endpoint.path, both)
            assert 400 == refused
            assert good.encode() not in said


@pytest.mark.parametrize("endpoint", ASKING, ids=name_of)
def test_key_of_another_feature_finds_nothing(place: Place, endpoint: Endpoint) -> None:
    """The same answer as for a feature that does not exist."""
    narrow = bearer(place.keys["narrow"])
    before = len(place.upstream.log)
    there, said, _ = place.ask("POST", endpoint.path, narrow, feature="support")
    nowhere, also, _ = place.ask("POST", endpoint.path, narrow, feature="zupport")

    assert (404, 404) == (there, nowhere)
    assert shape(said).replace("support", "") == shape(also).replace("zupport", "")
    assert before == len(place.upstream.log)
    assert 200 == place.ask("POST", endpoint.path, narrow, feature="other")[0]


def shape(said: bytes) -> str:
    """Return an error without the request's id."""
    body = json.loads(said)
    body.pop("request_id", None)
    body["error"].pop("request_id", None)
    return json.dumps(body)


def test_key_of_one_feature_sees_that_one(place: Place) -> None:
    """In the list and one by one."""
    narrow = bearer(place.keys["narrow"])
    listed = json.loads(place.ask("GET", "/v1/models", narrow)[1])["data"]

    assert ["other"] == [each["id"] for each in listed]
    assert 404 == place.ask("GET", "/v1/models/{id}", narrow, feature="support")[0]
    assert 200 == place.ask("GET", "/v1/models/{id}", narrow, feature="other")[0]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_nothing_else_is_there(place: Place, method: str) -> None:
    """Other paths and methods, with no key and with a good one."""
    listed = {(each.method, each.path) for each in TABLE}
    known = {each.path for each in TABLE}
    guessed = {"/", "/v1", "/metrics", "/docs", "/openapi.json", "/admin", "/debug", "/api/v1/keys"}
    guessed |= {"/api/v1/records", "/v1/files", "/v1/chat", "/livez/x", "//livez", "/LIVEZ"}
    for path in known | guessed:
        if (method, path) in listed or (method == "HEAD" and ("GET", path) in listed):
            continue
        for headers in ({}, bearer(place.keys["ann"])):
            status, _, _ = place.ask(method, path.replace("{id}", "zz"), headers)
            assert status in {404, 405}, (method, path, status)


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize("endpoint", ASKING, ids=name_of)
def test_idempotency_keys_are_each_tenants_own(place: Place, endpoint: Endpoint) -> None:
    """The same key of two tenants is two requests; of one tenant's it is one."""
    said = {}
    for who in ("ann", "bob", "ann", "bob"):
        key = {"idempotency-key": f"order-1-{endpoint.path}", **bearer(place.keys[who])}
        status, body, found = place.ask("POST", endpoint.path, key)
        assert 200 == status
        said.setdefault(who, []).append((body, found["seatrial-record"]))

    assert said["ann"][0] == said["ann"][1]
    assert said["bob"][0] == said["bob"][1]
    assert said["ann"][0][1] != said["bob"][0][1]


def test_kept_answers_are_each_tenants_own(place: Place) -> None:
    """Once the target is away, a tenant has its own answer again, and nobody else's."""
    first = place.chat("ann", "kept")
    place.upstream.schedule([{"name": "http-503", "model": "weak"}])
    try:
        own, sibling, foreign = (place.chat(who, "kept") for who in ("ann", "ada", "bob"))
    finally:
        place.upstream.heal()

    assert 200 == first[0]
    assert (200, first[1]) == own[:2]
    assert (200, first[1]) == sibling[:2]  # the same tenant, asking with the same scope
    assert 503 == foreign[0]


@pytest.mark.parametrize("feature", ["limited", "paid"])
def test_limits_and_budgets_are_each_keys_own(place: Place, feature: str) -> None:
    """Whoever used theirs up takes nothing from the others."""
    used = [place.chat("ann", feature)[0] for _ in range(4)]
    others = [place.chat(who, feature)[0] for who in ("bob", "bob", "ada", "ada")]
    spent = place.chat("bob", feature)

    assert [200, 200] == used[:2]
    assert 200 not in used[2:]
    assert [200] * 4 == others
    assert (429, "insufficient_quota") == spent[:2]
