"""The check by HTTP: one GET, of whose answer the status decides. From 200 to 399 is healthy, redirects included.

An answer is its whole head. No redirect is followed, and the body is not looked at: it may hold secrets, be endless, or
drip. A little of it is let by before we hang up, so that a server's log is not full of broken pipes.

This is all of HTTP that is needed, and less than a client library would keep in memory: a request of one line, and of
the answer its first.
"""

import asyncio
import re
from typing import Final

from brownout.api.integration import HttpProbe
from brownout.core.health import Answer, Checked
from brownout.local.checking.connections import connected, no_connection

__all__ = ["HttpChecks"]

#: The longest head that is read; servers refuse heads of half that size from their clients.
MOST_HEAD_BYTES: Final = 16 * 1024
#: What is let by of a body, and for how long.
MOST_BODY_BYTES: Final = 64 * 1024
LINGER_S: Final = 1.0

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r?\n")
_HEAD_ENDS: Final = re.compile(rb"\r?\n\r?\n")
_BEGINS: Final = b"HTTP/"


class HttpChecks:
    """Makes checks by HTTP. Each has a connection of its own, which is gone a second after the answer."""

    def __init__(self) -> None:
        self._open: set[_Exchange] = set()

    async def check(self, probe: HttpProbe) -> Checked:
        """Ask once."""
        try:
            exchange = await connected(lambda: _Exchange(probe, self._open), probe.port)
        except OSError as error:
            return no_connection(error, probe.port)
        try:
            return await exchange.answer
        except asyncio.CancelledError:
            exchange.abort()
            raise

    def close(self) -> None:
        """Hang up on everybody."""
        for exchange in tuple(self._open):
            exchange.abort()


class _Exchange(asyncio.Protocol):
    """One request and the head of its answer."""

    def __init__(self, probe: HttpProbe, still_open: "set[_Exchange]") -> None:
        self._probe = probe
        self._still_open = still_open
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._head = bytearray()
        self._body_bytes = 0
        self._linger: asyncio.TimerHandle | None = None
        self.answer: asyncio.Future[Checked] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a connection by TCP can be written to")
        self._transport = transport
        self._still_open.add(self)
        host = f"localhost:{self._probe.port}"
        lines = (f"GET {self._probe.path} HTTP/1.1", f"Host: {host}", "User-Agent: brownout", "Connection: close")
        transport.write("\r\n".join((*lines, "", "")).encode("ascii"))

    def data_received(self, data: bytes) -> None:
        if self.answer.done():
            self._body_bytes += len(data)
            if self._body_bytes > MOST_BODY_BYTES:
                self.abort()
            return
        self._head += data
        verdict = self._verdict()
        if verdict is not None:
            self.answer.set_result(verdict)
            self._linger = self._loop.call_later(LINGER_S, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._still_open.discard(self)
        if self._linger is not None:
            self._linger.cancel()
        if not self.answer.done():
            self.answer.set_result(self._failed("closed the connection without an answer"))

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _verdict(self) -> Checked | None:
        """What the head says; None while it is not whole."""
        while True:
            head = bytes(self._head)
            if head[: len(_BEGINS)] != _BEGINS[: len(head)]:
                return self._failed("does not speak HTTP")
            end = _HEAD_ENDS.search(head)
            if end is None or end.end() > MOST_HEAD_BYTES:
                return self._failed("answers with an endless head") if len(head) > MOST_HEAD_BYTES else None
            status = _STATUS.match(head)
            if status is None:
                return self._failed("does not speak HTTP")
            if not status[1].startswith(b"1"):
                return self._of_status(int(status[1]))
            del self._head[: end.end()]  # 1xx: the answer proper is still to come

    def _of_status(self, status: int) -> Checked:
        if 200 <= status < 400:
            return Checked(answer=Answer.OK)
        return self._failed(f"answers {status}")

    def _failed(self, how: str) -> Checked:
        return Checked(answer=Answer.FAILED, why=f"port {self._probe.port} {how}")
