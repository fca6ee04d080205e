"""Real servers on loopback that answer as a test says, well or badly; and checks of them, in a real loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from brownout.api.integration import Integration
from tests.builders import make_integration

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass(slots=True)
class Server:
    """A server: where it listens, what it was asked, and how many connections it has now."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


def saying(*pieces: bytes) -> Serve:
    """Says these, one after the other, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return serve


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    del writer
    await reader.read()


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers well and then talks for ever."""
    del reader
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins to answer and never comes to the point."""
    del reader
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"y" * 4096 + b"\r\n")
        await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte of its head at a time, never done."""
    del reader
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"z")
        await writer.drain()
        with suppress(TimeoutError):  # a drop every 20 ms
            async with asyncio.timeout(0.02):
                await asyncio.Event().wait()


@asynccontextmanager
async def a_server(serve: Serve, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Server]:
    """A server for as long as the block lasts."""
    server = Server()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(0.5):
                    server.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await serve(reader, writer)
        finally:
            server.connections -= 1
            writer.close()

    listening = await asyncio.start_server(met, host, port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def by_http(port: int, path: str = "/healthz", **health: object) -> Integration:
    """An integration that is checked by HTTP."""
    return make_integration(health={"http": {"port": port, "path": path}, **health})


def by_tcp(port: int) -> Integration:
    """An integration that is checked by TCP."""
    return make_integration(health={"tcp": {"port": port}})


def by_program(*argv: str, **spec: Any) -> Integration:
    """An integration that is checked by a program."""
    return make_integration(health={"exec": {"argv": list(argv)}}, **spec)
