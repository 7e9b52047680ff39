"""A server on the loopback that does whatever a test says, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server on the loopback that does what the test says, and counts."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk on one connection, and notice when the other side has gone."""
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one whole request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        self.requests.append(head + await reader.readexactly(length))
        self.asked.set()
        return self.requests[-1]


@asynccontextmanager
async def serving(talk: Callable[["Server"], Talk]) -> AsyncIterator[Server]:
    """Run a server whose talk knows it."""
    server = Server(lambda reader, writer: asyncio.sleep(0))
    server.talk = talk(server)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/chat"
    try:
        yield server
    finally:
        listening.close()


def answering(*replies: bytes, then: str = "close") -> Callable[[Server], Talk]:
    """Answer each request with the next bytes; after the last one close, hang or reset."""

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for reply in replies:
                await server.request(reader)
                writer.write(reply)
                await writer.drain()
            if then == "hang":
                await reader.read()
                server.gone.set()
            elif then == "reset":
                await asyncio.sleep(0.02)
                writer.transport.abort()

        return talk

    return talk_of


def body(content: bytes) -> bytes:
    """Write a good reply."""
    return OK + b"content-length: %d\r\n\r\n" % len(content) + content
