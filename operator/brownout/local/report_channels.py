"""Where a wrapped program reports without HTTP: an inherited descriptor, and a unix socket that answers.

The descriptor is the writing end of a pipe: any language writes to it, and lines up to 4096 bytes of several processes
never mix. The socket answers each line with one. Neither understands a line; whoever is given to them does.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

__all__ = ["Clerk", "PipeChannel", "SocketChannel"]

_PIECE_BYTES: Final = 64 * 1024
#: A program opens one for each of its processes. Beyond this the newest have to wait in the kernel's queue.
_MOST_CONNECTIONS: Final = 256
_BACKLOG: Final = 64


class Clerk(Protocol):
    """Takes what came on one connection, and has an answer for each line."""

    def take(self, data: bytes) -> int:
        """Count what is said; how many lines these bytes complete."""
        ...

    async def answer(self, count: int) -> bytes:
        """The answers to the last so many lines."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...


class PipeChannel:
    """One pipe. `writing` is for the program, and closed here once that has it."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_inheritable(self.writing, True)
        self._clerk: Clerk | None = None

    def serve(self, clerk: Clerk) -> None:
        """Read from now on."""
        os.close(self.writing)
        self._clerk = clerk
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def close(self) -> None:
        """Read what is left in it, then no more."""
        if self._clerk is not None:
            while self._read():
                pass
            self._stop(self._clerk)

    def _read(self) -> bool:
        """One piece; whether there may be more now."""
        if self._clerk is None:
            return False
        try:
            data = os.read(self._reading, _PIECE_BYTES)
        except BlockingIOError:
            return False
        if data:
            self._clerk.take(data)
            return True
        self._stop(self._clerk)
        return False

    def _stop(self, clerk: Clerk) -> None:
        self._clerk = None
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        clerk.end()


class SocketChannel:
    """A unix socket in a folder that only this user can enter."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._bound.bind(str(path))
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def serve(self, clerk: Callable[[], Clerk]) -> None:
        """Answer from now on; each connection has a clerk of its own."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            async with self._places:
                await _converse(reader, writer, clerk())

        self._server = await asyncio.start_unix_server(connected, sock=self._bound, backlog=_BACKLOG)

    async def close(self, *, within_s: float) -> None:
        """Take no more, and hear out those who have hung up already."""
        if self._server is None:
            self._bound.close()
            return
        self._server.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clerk: Clerk) -> None:
    try:
        while data := await reader.read(_PIECE_BYTES):
            writer.write(await clerk.answer(clerk.take(data)))
            await writer.drain()  # who asks and does not read the answers is heard no further
    except OSError:  # it hung up
        pass
    finally:
        clerk.end()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
