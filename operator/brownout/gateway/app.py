"""The gateway: HTTP on loopback, for people, Prometheus and supervisors. It shows what others know and decides nothing.

It cannot take the controller down: a port that is taken is one clear error at the start, and afterwards every failure
is an answer.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from brownout.core.errors import AlreadyRunning, BrownoutError, ControllerFault, InvalidInput
from brownout.gateway.address import Address
from brownout.gateway.budget_routes import BudgetRoutes
from brownout.gateway.connections import Connection, Limits, Lobby
from brownout.gateway.documents import Document, Redact
from brownout.gateway.guards import add_headers, body_guard, errors_in_our_form, host_guard, patience, token_guard
from brownout.gateway.probes import Probes
from brownout.gateway.queries import Query
from brownout.gateway.replies import json_reply
from brownout.gateway.token import Token
from brownout.gateway.views import ReadModel, Views

__all__ = ["Gateway"]

_BACKLOG: Final = 128
#: Answers come from memory; what has not gone out by then has a client that does not read.
_CLOSE_S: Final = 2.0


class Gateway:
    """The server. `start` binds and serves, `close` ends every connection; both once."""

    def __init__(
        self,
        model: ReadModel,
        *,
        address: Address,
        redact: Redact,
        token: Token | None = None,
        allow_hosts: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> None:
        if not address.loopback and token is None:
            raise InvalidInput(
                f"{address.authority} can be reached by other machines, and there is no token to ask them for",
                advice="give a token file with --token-file, or listen on 127.0.0.1",
            )
        self._model = model
        self._redact = redact
        self._token = token
        self._allow_hosts = tuple(allow_hosts)
        self._lobby = Lobby(limits or Limits())
        self._address = address
        self._listening: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> Address:
        """Where it listens; once started with the port that the kernel chose."""
        return self._address

    async def start(self) -> None:
        """Bind and serve. Raises AlreadyRunning where the port is taken, InvalidInput where it cannot be bound."""
        bound = _bind(self._address)
        try:
            self._address = self._address.at(bound.getsockname()[1])
            self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=_CLOSE_S)
            await self._runner.setup()
            loop = asyncio.get_running_loop()
            factory = partial(Connection, _server_of(self._runner), self._lobby, loop=loop)
            self._listening = await loop.create_server(factory, sock=bound, backlog=_BACKLOG)
        except BaseException:
            bound.close()
            await self.close()
            raise

    async def close(self) -> None:
        """Take no more, finish what is under way for at most 2 s, drop the rest."""
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._lobby.clear()
        await asyncio.sleep(0)  # what was dropped is closed at the loop's next turn

    def _app(self) -> web.Application:
        host = host_guard(self._address, self._allow_hosts)
        token = token_guard(self._token, reads_open=self._address.loopback)
        body = body_guard(self._lobby.limits)
        guards: list[Middleware] = [patience, errors_in_our_form, host, token, body]
        app = web.Application(middlewares=guards, client_max_size=self._lobby.limits.body_bytes)
        app.on_response_prepare.append(add_headers)
        rendering = asyncio.Lock()
        probes, views = Probes(self._model, self._redact, rendering), Views(self._model, self._redact)
        app.router.add_get("/livez", probes.livez)
        app.router.add_get("/readyz", probes.readyz)
        app.router.add_get("/metrics", probes.metrics)
        app.router.add_get("/v1/integrations", _made_apart(views.integrations, rendering))
        app.router.add_get("/v1/integrations/{name}", _named(views.integration))
        app.router.add_get("/v1/policy", _plain(views.policy))
        app.router.add_get("/v1/samples", _plain(views.samples, "resource", "since"))
        app.router.add_get("/v1/forecast", _plain(views.forecast))
        app.router.add_get("/v1/shadows", _made_apart(views.shadows, rendering))
        app.router.add_get("/v1/decisions", _awaited(views.decisions, "integration", "since", "limit"))
        if (desk := self._model.budgets()) is not None:
            BudgetRoutes(desk, self._model.now, self._owned).add_to(app.router)
        return app

    def _owned(self) -> frozenset[str]:
        """Names of runs that belong to an integration with a budget in its spec."""
        found = (each.metadata for each in self._model.integrations() if each.spec.budget is not None)
        return frozenset(name for each in found for name in (each.name, f"{each.namespace}/{each.name}"))


def _plain(view: Callable[[Query], Document], *parameters: str) -> Handler:
    """A route of a view that answers at once."""

    async def route(request: web.Request) -> web.StreamResponse:
        return json_reply(view(Query(request, *parameters)))

    return route


def _awaited(view: Callable[[Query], Awaitable[Document]], *parameters: str) -> Handler:
    """A route of a view that has to ask."""

    async def route(request: web.Request) -> web.StreamResponse:
        return json_reply(await view(Query(request, *parameters)))

    return route


def _named(view: Callable[[str, Query], Document]) -> Handler:
    """A route of a view of one thing."""

    async def route(request: web.Request) -> web.StreamResponse:
        return json_reply(view(request.match_info["name"], Query(request, "namespace")))

    return route


def _made_apart(view: Callable[[Query], Document], rendering: asyncio.Lock) -> Handler:
    """A route of a view that may be long: made on a thread, one at a time, so that the loop stays free."""

    async def route(request: web.Request) -> web.StreamResponse:
        query = Query(request)
        async with rendering:
            return await asyncio.to_thread(lambda: json_reply(view(query)))

    return route


def _server_of(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise ControllerFault("a runner that is set up has a server")
    return runner.server


def _bind(address: Address) -> socket.socket:
    """A socket that listens at the address."""
    bound = socket.socket(socket.AF_INET6 if address.ip.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        bound.bind((str(address.ip), address.port))
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise _not_bound(address, error) from None
    return bound


def _not_bound(address: Address, error: OSError) -> BrownoutError:
    if error.errno == errno.EADDRINUSE:
        other = address.at(address.port + 1).authority
        return AlreadyRunning(f"{address.authority} is taken", advice=f"try --listen {other}, or --listen none")
    return InvalidInput(f"cannot listen on {address.authority} ({error.strerror})", advice="choose another --listen")
