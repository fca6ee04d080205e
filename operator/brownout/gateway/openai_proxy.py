"""A proxy on loopback in front of an OpenAI-compatible API: it passes calls on, and counts what their answers say.

    program ──▶ refused? 429 ──▶ counted as a call ──▶ upstream ──▶ answer, as it comes ──▶ its usage counted

Answers are streamed, not gathered. A call counts when it is sent, so that one that fails cannot be repeated without
end. The tokens count before the client has the last of the answer: who asks then is told the truth. Keys pass through
in their header and are written nowhere.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiohttp import web
from yarl import URL

from brownout.core.budget.lines import Report
from brownout.engine.budget_ledger import Desk
from brownout.gateway.model_usage import EventStream, Inspector, PlainAnswer, asks_for_usage, with_usage_asked
from brownout.gateway.passing_on import answer_headers, is_loopback, request_headers

__all__ = ["MOST_REQUEST_BYTES", "OpenAIProxy"]

#: Images go in requests as text; the services themselves take 20 to 50 MiB.
MOST_REQUEST_BYTES: Final = 64 * 1024 * 1024
_SOURCE: Final = "the proxy"
_CONNECT_S: Final = 30.0
_PIECE_BYTES: Final = 64 * 1024
#: The parameters that ask for usage are known to these; the others say it by themselves or never.
_STREAMED: Final = ("/chat/completions", "/completions")
_REFUSED: Final = frozenset({400, 422})  # what a server answers that does not know stream_options


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent. `body` None: as the client wrote it, in `original`. `hide`: the client did not ask for usage."""

    url: URL
    headers: list[tuple[str, str]]
    original: bytes
    body: bytes | None = None
    hide: bool = False

    @property
    def sent(self) -> bytes:
        return self.original if self.body is None else self.body


class OpenAIProxy:
    """Passes requests on to `upstream`, a base URL without a slash at its end. `close` ends its connections."""

    def __init__(self, upstream: str, desk: Desk) -> None:
        self._upstream = upstream
        self._desk = desk
        self._session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route: whatever stands behind the base URL goes to the same place of the upstream."""
        if why := self._desk.refusal():
            return _over(why)
        if "upgrade" in request.headers.get("Connection", "").lower():
            return _problem(501, "only plain HTTP requests are passed on", kind="not_supported")
        asked = _prepared(request, self._url(request), await request.read())
        self._desk.took([Report(api_calls=1)], source=_SOURCE)
        try:
            return await self._passed_on(request, asked)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._answered(0 if isinstance(error, aiohttp.ClientConnectorError) else None)
            return _problem(502, f"{self._upstream} {_trouble(error)}", kind="upstream_unreachable")

    async def close(self) -> None:
        """End what is still under way."""
        if self._session is not None:
            await self._session.close()

    async def _passed_on(self, request: web.Request, asked: _Request) -> web.StreamResponse:
        answer = await self._send(request.method, asked, asked.sent)
        if asked.body is not None and answer.status in _REFUSED:
            # It does not know what we added: once more, word for word; the tokens of this one are then not known.
            answer.release()
            answer = await self._send(request.method, asked, asked.original)
        async with answer:
            return await self._stream(request, answer, hide=asked.hide)

    async def _send(self, method: str, asked: _Request, body: bytes) -> aiohttp.ClientResponse:
        return await self._client().request(
            method, asked.url, headers=asked.headers, data=body or None, allow_redirects=False
        )

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse, *, hide: bool) -> web.StreamResponse:
        events = answer.content_type == "text/event-stream"
        inspector: Inspector = EventStream(hide=hide) if events else PlainAnswer()
        unchanged = not hide and "Content-Encoding" not in answer.headers
        reply = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer_headers(answer.headers.items(), unchanged=unchanged):
            reply.headers.add(name, value)
        counted = False
        try:
            await reply.prepare(request)
            async for piece in answer.content.iter_any():
                await _write(reply, inspector.feed(piece))
            last = inspector.close()
            counted = True
            self._answered(_counted(inspector, answer))
            await _write(reply, last)
            await reply.write_eof()
        except (aiohttp.ClientError, TimeoutError, OSError):
            _cut(request)  # half an answer is on its way: it must not look like a whole one
        finally:
            if not counted:
                inspector.close()
                self._answered(inspector.tokens)
        return reply

    def _answered(self, tokens: int | None) -> None:
        if tokens is None:
            self._desk.unmeasured()
        else:
            self._desk.took([Report(tokens=tokens)], source=_SOURCE)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # how many at once is the program's affair
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                # The network's proxy, where the environment names one, as the program's own client would use it.
                trust_env=not is_loopback(self._upstream),
                skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
                read_bufsize=_PIECE_BYTES,
                max_line_size=_PIECE_BYTES,
                max_field_size=_PIECE_BYTES,
            )
        return self._session

    def _url(self, request: web.Request) -> URL:
        query = request.rel_url.raw_query_string
        behind = request.rel_url.raw_path.partition("/v1")[2]
        return URL(f"{self._upstream}{behind}{'?' if query else ''}{query}", encoded=True)


def _prepared(request: web.Request, url: URL, body: bytes) -> _Request:
    """The request as it is sent: a stream is asked to say what it used, unless the client asks already."""
    plain = _Request(url, request_headers(request.headers.items()), body)
    if request.method != "POST" or not url.path.endswith(_STREAMED):
        return plain
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return plain  # the upstream will say what is wrong with it
    if not isinstance(found, dict) or found.get("stream") is not True or asks_for_usage(found):
        return plain
    return _Request(url, plain.headers, body, json.dumps(with_usage_asked(found)).encode(), hide=True)


def _counted(inspector: Inspector, answer: aiohttp.ClientResponse) -> int | None:
    """What was used; a refusal and what is only looked up (`GET /models`) used nothing, unless they say so."""
    used_something = answer.status < 400 and answer.method == "POST"
    return inspector.tokens if used_something else inspector.tokens or 0


async def _write(reply: web.StreamResponse, data: bytes) -> None:
    if data:
        await reply.write(data)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _over(why: str) -> web.Response:
    """The refusal, as clients of these APIs know it. The header tells them not to try again by themselves."""
    reply = _problem(429, why, kind="insufficient_quota", code="budget_exceeded")
    reply.headers["x-should-retry"] = "false"
    return reply


def _problem(status: int, message: str, *, kind: str, code: str | None = None) -> web.Response:
    body: Mapping[str, Any] = {"error": {"message": f"brownout: {message}", "type": kind, "param": None, "code": code}}
    return web.json_response(body, status=status)


def _trouble(error: BaseException) -> str:
    """What went wrong, without the request: it may hold a key."""
    if isinstance(error, asyncio.TimeoutError):
        return f"has not answered within {_CONNECT_S:g} s"
    number = getattr(getattr(error, "os_error", error), "errno", None)  # the loop's own text names the address again
    reason = os.strerror(number) if number and number > 0 else type(error).__name__
    return f"cannot be reached: {reason}"
