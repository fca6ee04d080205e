"""`FaultProxy`: stands before a real API server, ends TLS with a certificate of its own, and lets things go wrong.

It runs in a thread with its own event loop, so synchronous tests, asynchronous ones and other processes can all use
it. Faults are switched while it runs, and are in force when `arm` returns. It speaks HTTP/1.1; `kubectl exec` and
the like, which change the protocol, do not pass.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from tests.apiserver.certs import issue
from tests.apiserver.cluster import ApiServer
from tests.apiserver.flags import LOOPBACK, free_port
from tests.apiserver.users import write_kubeconfig
from tests.faults.board import Board
from tests.faults.faults import (
    BlackHole,
    Delay,
    Fault,
    Inject,
    Refuse,
    Reset,
    Rewrite,
    Rule,
    status_object,
)
from tests.faults.kube_request import EVERYTHING, WATCHES, KubeRequest, Match, parse_request
from tests.faults.stream import CutError, Outlet, WatchStream

T = TypeVar("T")

LARGEST_EVENT_BYTES = 16 * 1024 * 1024
# RFC 9110, 7.6.1: these belong to one connection. Without Accept-Encoding nothing comes compressed, and can be read.
_NOT_PASSED_ON = {
    "connection",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "accept-encoding",
}


class FaultProxy:
    """Enter it to open it; its kubeconfigs lead through it to the server."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._certificate = issue(folder, "proxy")
        self._port = free_port()
        self._board = Board()
        self._seen: list[KubeRequest] = []
        self._streams: dict[WatchStream, web.BaseRequest] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._in_loop(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"https://{LOOPBACK}:{self._port}"

    @property
    def ca_file(self) -> Path:
        """The authority that its certificate comes from."""
        return self._certificate.authority

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig of one of the server's users, through the proxy."""
        path = self._folder / f"proxy-{user.replace(':', '_')}.kubeconfig"
        return write_kubeconfig(path, server=self.url, authority=self.ca_file, token=self._server.token(user))

    def arm(self, fault: Fault, match: Match = EVERYTHING, *, times: int | None = None, every: int = 1) -> Rule:
        """Puts a fault in force; the rule returned counts whom it befell, and lifts it again through `disarm`."""
        rule = Rule(match=match, fault=fault, times=times, every=every)
        self._in_loop(self._arm(rule))
        return rule

    def disarm(self, rule: Rule) -> None:
        """Lifts one fault."""
        self._in_loop(_run(self._board.disarm, rule))

    def heal(self) -> None:
        """Lifts all faults."""
        self._in_loop(_run(self._board.heal))

    @contextmanager
    def fault(self, fault: Fault, match: Match = EVERYTHING, *, times: int | None = None) -> Iterator[Rule]:
        """A fault for as long as the block lasts."""
        rule = self.arm(fault, match, times=times)
        try:
            yield rule
        finally:
            self.disarm(rule)

    def end_streams(self, match: Match = WATCHES) -> int:
        """Ends open watches as the server's time limit does; how many."""
        ended = [stream for stream in tuple(self._streams) if match.fits(stream.request)]
        for stream in ended:
            self._loop.call_soon_threadsafe(stream.end)
        return len(ended)

    def open_streams(self, match: Match = WATCHES) -> int:
        """How many watches are open now."""
        return sum(match.fits(stream.request) for stream in tuple(self._streams))

    def requests(self, match: Match = EVERYTHING) -> tuple[KubeRequest, ...]:
        """All requests so far, also those that a fault befell, oldest first."""
        return tuple(request for request in tuple(self._seen) if match.fits(request))

    def count(self, match: Match = EVERYTHING) -> int:
        """How many requests there were."""
        return len(self.requests(match))

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _open(self) -> None:
        trust = ssl.create_default_context(cafile=str(self._server.ca_file))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=LARGEST_EVENT_BYTES,
        )
        serve = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serve.load_cert_chain(self._certificate.certificate, self._certificate.key)
        self._runner = web.ServerRunner(
            web.Server(self._handle, handler_cancellation=True), shutdown_timeout=0.1, handle_signals=False
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port, ssl_context=serve, reuse_address=True).start()

    async def _close(self) -> None:
        self._board.heal()
        for stream in tuple(self._streams):
            stream.end()
        await self._runner.cleanup()
        await self._session.close()

    async def _arm(self, rule: Rule) -> None:
        self._board.arm(rule)
        for stream, http in tuple(self._streams.items()):
            if isinstance(rule.fault, Reset | Inject) and rule.strikes(stream.request):
                if isinstance(rule.fault, Inject):
                    await stream.inject(rule.fault)
                else:
                    _reset(http)

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        request = parse_request(http.method, http.path, http.query)
        self._seen.append(request)
        rules = self._board.for_request(request)
        for rule in rules:
            if (answer := await self._befall(rule, http)) is not None:
                return answer
        try:
            return await self._forward(http, request, [rule.fault for rule in rules])
        except (aiohttp.ClientError, CutError, ConnectionError):
            # The server is away, or a fault ends the body here: the client must not take it for the end of the answer.
            _abort(http)
            return web.Response()

    async def _befall(self, rule: Rule, http: web.BaseRequest) -> web.Response | None:
        """What a fault does before the server is asked; an answer where it must not be asked."""
        match rule.fault:
            case Refuse(status, retry_after, reason):
                headers = {} if retry_after is None else {"Retry-After": retry_after}
                return web.json_response(status_object(status, reason), status=status, headers=headers)
            case Reset():
                _reset(http)
                return web.Response()
            case Delay(for_s):
                await self._board.lifted(rule, within_s=for_s)
            case BlackHole():
                await self._board.lifted(rule)
            case _:
                pass
        return None

    async def _forward(self, http: web.BaseRequest, request: KubeRequest, faults: list[Fault]) -> web.StreamResponse:
        url = URL(self._server.url + http.raw_path, encoded=True)
        body = await http.read() if http.can_read_body else None
        async with self._session.request(
            http.method, url, headers=_passed_on(http), data=body, allow_redirects=False
        ) as upstream:
            is_json = upstream.content_type == "application/json"
            rewrites = [fault for fault in faults if isinstance(fault, Rewrite)]
            if rewrites and is_json and request.verb != "watch":
                return await _rewritten(upstream, rewrites)
            response = web.StreamResponse(status=upstream.status, headers=_passed_on(upstream))
            await response.prepare(http)
            outlet = Outlet(response, faults)
            if request.verb == "watch" and is_json and upstream.ok:
                await self._watch(WatchStream(request, outlet, self._board), http, upstream.content)
            else:
                async for chunk in upstream.content.iter_any():
                    await outlet.write(chunk)
            await response.write_eof()
            return response

    async def _watch(self, stream: WatchStream, http: web.BaseRequest, upstream: aiohttp.StreamReader) -> None:
        self._streams[stream] = http
        try:
            await stream.relay(upstream)
        finally:
            del self._streams[stream]


async def _rewritten(upstream: aiohttp.ClientResponse, rewrites: list[Rewrite]) -> web.Response:
    body = await upstream.json()
    for rewrite in rewrites:
        body = rewrite.edit(body)
    return web.json_response(body, status=upstream.status)


def _passed_on(message: web.BaseRequest | aiohttp.ClientResponse) -> list[tuple[str, str]]:
    return [(name, value) for name, value in message.headers.items() if name.lower() not in _NOT_PASSED_ON]


def _reset(http: web.BaseRequest) -> None:
    """Ends the connection with RST instead of FIN: that is what closing does where lingering is set to 0 s."""
    if http.transport is not None:
        connection = http.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _abort(http)


def _abort(http: web.BaseRequest) -> None:
    if http.transport is not None:
        http.transport.abort()


async def _run(change: Any, *arguments: Any) -> None:
    """Makes a plain function something that can be run in the loop."""
    change(*arguments)
