"""Connections: how many, and how long each may take, so that nobody keeps the probes waiting (faults S-20).

aiohttp knows no bound on connections and none on a client that does not read its answer. Here the newest is always let
in: when the house is full, the one that has gone longest without beginning an exchange is dropped. A probe sends its
request at once and is answered from memory, so it is never the one; a slow client always is.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from brownout.gateway.replies import problem

__all__ = ["Connection", "Limits", "Lobby"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what one client, and all of them, may take."""

    connections: int = 64
    head_s: float = 10.0  # from the connection to the end of the first request's headers
    keep_alive_s: float = 15.0  # from an answer to the end of the next request's headers
    exchange_s: float = 30.0  # from the end of the headers to the last byte that the client takes
    body_bytes: int = 65536
    line_bytes: int = 4096  # the request line, and each header
    headers: int = 64


class Lobby:
    """Who is connected, in the order in which they last began an exchange."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._inside: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, connection: "Connection") -> None:
        """Let one in, and the idlest out if that makes one too many."""
        self._inside[connection] = None
        while len(self._inside) > self.limits.connections:
            idlest, _ = self._inside.popitem(last=False)
            idlest.drop()

    def clear(self) -> None:
        """All out: also who does not take his last answer, for whom a friendly close would wait."""
        for connection in tuple(self._inside):
            connection.drop()

    def renew(self, connection: "Connection") -> None:
        """It begins an exchange."""
        if connection in self._inside:
            self._inside.move_to_end(connection)

    def leave(self, connection: "Connection") -> None:
        """It is gone."""
        self._inside.pop(connection, None)


class Connection(web.RequestHandler):
    """One client: aiohttp's protocol with an end to patience, and errors in our form."""

    __slots__ = ("_line", "_lobby", "_patience")

    def __init__(self, server: web.Server, lobby: Lobby, *, loop: asyncio.AbstractEventLoop) -> None:
        limits = lobby.limits
        options: dict[str, Any] = {"access_log": None}  # aiohttp takes None for "no access log" but does not declare it
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.keep_alive_s,
            lingering_time=1.0,  # reads on after an answer, so that the client gets it before the reset
            max_line_size=limits.line_bytes,
            max_field_size=limits.line_bytes,
            max_headers=limits.headers,
            auto_decompress=False,  # nothing here takes a compressed body, so there is none to blow up
            **options,
        )
        self._lobby = lobby
        self._line: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; it has a moment to say what it wants."""
        if isinstance(transport, asyncio.Transport):
            self._line = transport
        self._wait(self._lobby.limits.head_s)
        super().connection_made(transport)
        self._lobby.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        self._wait(None)
        self._lobby.leave(self)
        super().connection_lost(exc)

    def begin(self) -> None:
        """A request has been read to the end of its headers."""
        self._lobby.renew(self)
        self._wait(self._lobby.limits.exchange_s)

    def drop(self) -> None:
        """End it at once, whatever is still to be sent: who does not read would else keep it for ever."""
        self._wait(None)
        if self._line is not None:
            self._line.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """Answer what is not HTTP, or what went wrong outside the application, without a word of the request."""
        _LOG.debug("request refused", extra={"fields": {"status": status, "error": type(exc).__name__}})
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is already on its way")
        reply = problem(status, "this request cannot be understood" if status < 500 else "internal error")
        reply.force_close()
        return reply

    def _wait(self, seconds: float | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = asyncio.get_running_loop().call_later(seconds, self.drop) if seconds is not None else None
