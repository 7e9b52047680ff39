"""Starts the doors in a process of their own, and speaks HTTP to them byte by byte."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import LONG_S

ROOT = Path(__file__).parents[3]


@dataclass
class Server:
    """A running process."""

    process: subprocess.Popen[str]
    port: int

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self, timeout: float = LONG_S) -> tuple[int, str]:
        """Wait for its end; return exit status and what it printed."""
        out, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode, out

    async def ask(self, model: str = "hello", **more: Any) -> Reply:
        """Ask once, on a connection of its own."""
        line = await Line.open(self.port)
        try:
            return await line.chat(model, **more)
        finally:
            line.close()

    async def figures(self) -> dict[str, int]:
        """Return what the application counted."""
        line = await Line.open(self.port)
        try:
            listed = (await line.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")).json
            return {each["id"]: each["created"] for each in listed["data"]}
        finally:
            line.close()

    async def reached(self, name: str, count: int) -> None:
        """Wait until a figure has grown to this; fail when it never does."""
        async with asyncio.timeout(LONG_S):
            grown = 0
            while grown < count:
                await asyncio.sleep(0.01)
                grown = (await self.figures())[name]


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """Run a server until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.doors.gateway.served", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline()))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Lost(Exception):
    """A request was sent and no whole answer came."""


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Line:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def close(self) -> None:
        self.writer.close()

    @property
    def ended(self) -> bool:
        """Whether the other side has closed; clients look before they use a line again."""
        return self.reader.at_eof()

    async def chat(self, model: str = "hello", *, content: str = "Hi", **more: Any) -> Reply:
        return await self.send(chat(model, content=content, **more))

    async def send(self, data: bytes) -> Reply:
        """Send bytes and read one answer."""
        try:
            self.writer.write(data)
            return await asyncio.wait_for(self.read(), LONG_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise Lost(repr(error)) from error

    async def read(self) -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(head[0].split()[1]), headers, body)


def chat(model: str = "hello", *, content: str = "Hi", **more: Any) -> bytes:
    """Write a chat request."""
    request = {"model": model, "messages": [{"role": "user", "content": content}], **more}
    body = json.dumps(request).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
