"""HTTP on loopback for one wrapped program: it reports there and asks how it stands, and reaches its API through it.

    GET  /TOKEN           how the run stands
    POST /TOKEN           lines as on the descriptor; the answer says how the run stands then
    any  /TOKEN/v1/...    the proxy, where there is one

The token is made anew for each run and stands in the path, so that `curl -d tokens=120 $BROWNOUT_BUDGET_URL` is all
that a script needs. Who does not know it is answered as if there were nothing.
"""

import asyncio
import hmac
import socket
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from brownout.core.budget.lines import LONGEST_LINE_BYTES, Garbage, LineReader, Report
from brownout.core.budget.wrapping import standing_document
from brownout.core.errors import ControllerFault
from brownout.engine.budget_ledger import Desk
from brownout.gateway.address import Address, parse_address
from brownout.gateway.guards import errors_in_our_form, host_guard
from brownout.gateway.openai_proxy import MOST_REQUEST_BYTES, OpenAIProxy
from brownout.gateway.replies import Refusal, json_reply

__all__ = ["BudgetDoor"]

_CLOSE_S: Final = 1.0
_HEAD_BYTES: Final = 64 * 1024
_SOURCE: Final = "HTTP"


class BudgetDoor:
    """The server on a socket that is bound already. `start` once, `close` once."""

    def __init__(self, bound: socket.socket, *, token: str, desk: Desk, upstream: str | None) -> None:
        self._bound = bound
        self._token = token.encode()
        self._desk = desk
        self._proxy = OpenAIProxy(upstream, desk) if upstream else None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Serve."""
        self._runner = web.AppRunner(
            self._app(), access_log=None, shutdown_timeout=_CLOSE_S,
            max_line_size=_HEAD_BYTES, max_field_size=_HEAD_BYTES, auto_decompress=False,
        )  # fmt: skip
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound).start()

    async def close(self) -> None:
        """Take no more; what is under way has a moment to end."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._proxy is not None:
            await self._proxy.close()
        await asyncio.sleep(0)  # what was dropped is closed at the loop's next turn

    def _app(self) -> web.Application:
        guards: list[Middleware] = [
            errors_in_our_form,
            host_guard(_address(self._bound), ()),
            _token_guard(self._token),
        ]
        app = web.Application(middlewares=guards, client_max_size=MOST_REQUEST_BYTES)
        app.router.add_get("/{token}", self._stand)
        app.router.add_post("/{token}", self._report)
        if self._proxy is not None:
            app.router.add_route("*", "/{token}/v1{tail:(/.*)?}", self._proxy.handle)
        return app

    async def _stand(self, _request: web.Request) -> web.StreamResponse:
        self._desk.took([Report()], source=_SOURCE)  # who asks listens
        return json_reply(standing_document(await self._desk.written()))

    async def _report(self, request: web.Request) -> web.StreamResponse:
        """Lines; the last one needs no end, for a body is whole or was never read."""
        if (request.content_length or 0) > LONGEST_LINE_BYTES:
            raise Refusal(413, "the body is too long", allowed=f"at most {LONGEST_LINE_BYTES} bytes")
        found = LineReader().feed(await request.read() + b"\n")
        self._desk.took(found, source=_SOURCE)
        problems = [f"line {each.line}: {each.why}" for each in found if isinstance(each, Garbage)]
        document = standing_document(await self._desk.written())
        if not problems:
            return json_reply(document)
        return json_reply({"error": "; ".join(problems), **document}, status=400)


def _token_guard(token: bytes) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.match_info.get("token", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, token):
            raise Refusal(404, "there is nothing at this path")
        return await handler(request)

    return guard


def _address(bound: socket.socket) -> Address:
    host, port = bound.getsockname()[:2]
    found = parse_address(f"{host}:{port}")
    if found is None:
        raise ControllerFault("a bound socket has an address")
    return found
