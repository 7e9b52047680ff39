"""The bare proxy: what the same libraries cost when they only pass bytes on.

uvicorn (uvloop, httptools), a raw ASGI function and a pooled client.  No checks, no
timeouts, no records: the least that a gateway on these libraries can cost.
"""

import argparse
import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
import uvloop

from bench import wire
from bench.upstream import LIFETIME_S
from seatrial.ports import HttpCall
from seatrial.providers.wire import WireTransport

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Relay = Callable[[bytes, Send], Awaitable[None]]

CONNECT_S: Final = 5.0
MAX_BODY_BYTES: Final = 16 * 1024 * 1024

_JSON_OUT: Final = {"content-type": "application/json"}


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _whole(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _begin(send: Send, status: int, kind: str) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind.encode())],
        }
    )


@asynccontextmanager
async def aiohttp_relay(url: str) -> AsyncIterator[Relay]:
    """A relay on aiohttp with one pooled session."""
    import aiohttp  # not in the memory of those who do without

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
    )

    async def relay(body: bytes, send: Send) -> None:
        async with session.post(url, data=body, headers=_JSON_OUT) as reply:
            kind = reply.headers.get("content-type", "application/json")
            if not wire.wants_stream(body):
                await _whole(send, reply.status, kind, await reply.read())
                return
            await _begin(send, reply.status, kind)
            async for chunk in reply.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async with session:
        yield relay


@asynccontextmanager
async def pyreqwest_relay(url: str) -> AsyncIterator[Relay]:
    """A relay on pyreqwest, without its read-ahead, which would hold back first tokens."""
    # By name, because the library is optional here and type checks run without it.
    client = importlib.import_module("pyreqwest.client").ClientBuilder().no_proxy().build()

    async def relay(body: bytes, send: Send) -> None:
        outgoing = client.post(url).header("content-type", "application/json").body_bytes(body)
        if not wire.wants_stream(body):
            reply = await outgoing.build().send()
            kind = reply.get_header("content-type") or "application/json"
            await _whole(send, reply.status, kind, bytes(await reply.bytes()))
            return
        async with outgoing.streamed_read_buffer_limit(0).build_streamed() as reply:
            await _begin(
                send, reply.status, reply.get_header("content-type") or "text/event-stream"
            )
            while (chunk := await reply.body_reader.read_chunk()) is not None:
                await send({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async with client:
        yield relay


@asynccontextmanager
async def httptools_relay(url: str) -> AsyncIterator[Relay]:
    """A relay on Seatrial's own upstream client, taken bare."""
    transport = WireTransport()

    async def relay(body: bytes, send: Send) -> None:
        reply = await transport.send(HttpCall(url, _JSON_OUT, body, CONNECT_S))
        try:
            kind = reply.headers.get("content-type", "application/json")
            if not wire.wants_stream(body):
                await _whole(send, reply.status, kind, await reply.read(MAX_BODY_BYTES))
                return
            await _begin(send, reply.status, kind)
            async for chunk in reply.chunks(MAX_BODY_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            reply.close()

    yield relay
    await transport.close()


CLIENTS: Final = {
    "aiohttp": aiohttp_relay,
    "httptools": httptools_relay,
    "pyreqwest": pyreqwest_relay,
}


async def serve(client: str, url: str, port: int) -> None:
    """Pass requests on to `url` until stopped, or until LIFETIME_S is over."""
    async with CLIENTS[client](url) as relay:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await relay(await _read(receive), send)

        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            log_level="warning",
            backlog=1024,
        )
        server = uvicorn.Server(config)

        def leave() -> None:
            server.should_exit = True

        asyncio.get_running_loop().call_later(LIFETIME_S, leave)
        await server.serve()


def main() -> None:
    """Run the bare proxy as its own process."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.proxy", description="a bare pass-through proxy"
    )
    parser.add_argument("--client", choices=sorted(CLIENTS), default="httptools")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--upstream", required=True, metavar="URL", help="where requests go, with the path"
    )
    options = parser.parse_args()
    uvloop.run(serve(options.client, options.upstream, options.port))


if __name__ == "__main__":
    main()
