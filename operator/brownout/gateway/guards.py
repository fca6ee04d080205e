"""Guards: what every request passes before a route sees it, on all routes and on those that do not exist.

Host is checked although nothing here changes state: a page that rebinds its name to 127.0.0.1 is of the same origin as
its own answers and could read ours (faults S-05). Which client may wait how long is the business of `connections`.
"""

import logging
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from brownout.core.errors import BrownoutError
from brownout.gateway.address import Address
from brownout.gateway.connections import Connection, Limits
from brownout.gateway.replies import HEADERS, Refusal, problem
from brownout.gateway.token import Token

__all__ = ["add_headers", "body_guard", "errors_in_our_form", "host_guard", "patience", "token_guard"]

_LOG: Final = logging.getLogger(__name__)
#: What a supervisor asks without a token: one word, and sentences that name no secret.
OPEN_ROUTES: Final = frozenset({"/livez", "/readyz"})
#: What a program has put into a checkpoint is its own, like the file in which it is kept (0600).
PRIVATE_ROUTES: Final = frozenset({"/v1/budgets/{id}/checkpoint"})
_LOOKS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HTTP_PORT: Final = 80


@web.middleware
async def patience(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection that its request has arrived."""
    if isinstance(request.protocol, Connection):
        request.protocol.begin()
    return await handler(request)


@web.middleware
async def errors_in_our_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into JSON. A bug of ours is logged and not shown."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return problem(refusal.status, refusal.error, allowed=refusal.allowed)
    except web.HTTPException as refusal:
        return _routing_problem(request, refusal)
    except BrownoutError as error:
        return problem(503, str(error))
    except Exception:  # noqa: BLE001 - the answer to a bug of ours is an answer
        _LOG.exception("request failed", extra={"fields": {"method": request.method, "path": request.path}})
        return problem(500, "internal error")


def _routing_problem(request: web.Request, refusal: web.HTTPException) -> web.Response:
    """What aiohttp's router refuses, in our form."""
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(refusal.allowed_methods))
        reply = problem(405, "this method is not served here", allowed=allowed)
        reply.headers["Allow"] = allowed
        return reply
    if isinstance(refusal, web.HTTPNotFound):
        return problem(404, "there is nothing at this path", allowed=", ".join(_paths(request.app)))
    return problem(refusal.status, refusal.reason)


def _paths(app: web.Application) -> Iterable[str]:
    return sorted({resource.canonical for resource in app.router.resources()})


def host_guard(address: Address, allow_hosts: Iterable[str]) -> Middleware:
    """Refuse a request that is addressed to another name than ours.

    Ours are the loopback names and the very address that the client connected to, with our port, and what the owner
    adds. Compared to the letter: browsers write hosts in lower case, and who writes `LOCALHOST.` is not one of ours.
    """
    loopback = [f"{name}:{address.port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    added = [name for host in allow_hosts for name in (host, f"{host}:{address.port}")]
    always = frozenset(_without_default_port([*loopback, *added]))

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        ours = always | frozenset(_without_default_port(_connected_to(request, address)))
        hosts = request.headers.getall("Host", [])
        named = [*hosts, *_authority(request.raw_path)]
        if len(hosts) != 1 or not ours.issuperset(named):
            raise Refusal(421, "this Host is not served here", allowed=", ".join(sorted(ours)))
        return await handler(request)

    return guard


def _without_default_port(authorities: list[str]) -> list[str]:
    """The authorities, and for HTTP's own port also without it, as clients then write them."""
    default = f":{_HTTP_PORT}"
    return [*authorities, *(each.removesuffix(default) for each in authorities if each.endswith(default))]


def _connected_to(request: web.Request, address: Address) -> list[str]:
    """Our end of this connection, as a URL would have it: an address in digits cannot be rebound."""
    ours = request.transport.get_extra_info("sockname") if request.transport else None
    ip = str(ours[0]).partition("%")[0].removeprefix("::ffff:") if ours else ""
    return [f"[{ip}]:{address.port}" if ":" in ip else f"{ip}:{address.port}"] if ip else []


def _authority(target: str) -> list[str]:
    """The authority of a target that is not just a path (`GET http://evil/ HTTP/1.1`, `CONNECT evil:443`)."""
    if target.startswith("/"):
        return []
    rest = target.partition("://")[2]
    return [rest.partition("/")[0].partition("?")[0]]


def body_guard(limits: Limits) -> Middleware:
    """Refuse a body that is too long before a byte of it is read."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (request.content_length or 0) > limits.body_bytes:
            reply = problem(413, "the body is too long", allowed=f"at most {limits.body_bytes} bytes")
            reply.force_close()
            return reply
        return await handler(request)

    return guard


def token_guard(token: Token | None, *, reads_open: bool) -> Middleware:
    """Ask for the token on every route but the probes; with `reads_open` (on loopback) only where it is due.

    Every user of the machine reaches its loopback, and every page that one of them has open can send to it: to look is
    one thing, to change is another (faults S-03, S-04). Without a token nothing can be changed.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.getall("Authorization", [])
        free = request.path in OPEN_ROUTES or (reads_open and not _guarded(request))
        if free or (token is not None and len(given) == 1 and token.opens(given[0])):
            return await handler(request)
        reply = problem(401, "this needs the token", allowed="Authorization: Bearer TOKEN")
        reply.headers["WWW-Authenticate"] = "Bearer"
        return reply

    return guard


def _guarded(request: web.Request) -> bool:
    """Whether a route is asked that may change something, or shows what a program keeps for itself.

    None that does not exist, nor a method that is not served: to say so gives nothing away.
    """
    if request.match_info.http_exception is not None:
        return False
    resource = request.match_info.route.resource
    return request.method not in _LOOKS or (resource is not None and resource.canonical in PRIVATE_ROUTES)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 - aiohttp's signature
    """Give also the answers that aiohttp makes itself the headers that ours have."""
    response.headers.update(HEADERS)
