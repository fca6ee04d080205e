"""The routes of /v1/budgets. What they lead to is imported by the first request: who has no budgets pays nothing.

What changes state asks for the token on every interface, also on loopback (guards.py): every user of the machine can
reach it.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from brownout.core.instant import Instant
from brownout.engine.budget_desk import BudgetDesk
from brownout.gateway.documents import Document
from brownout.gateway.queries import Query, name_text, share_text, whole_number
from brownout.gateway.replies import json_reply

if TYPE_CHECKING:
    from brownout.gateway.budget_views import BudgetViews

__all__ = ["BudgetRoutes"]

_SHOWN: Final = 100
_MOST: Final = 1000
_ROOT: Final = "/v1/budgets"
_ONE: Final = "/v1/budgets/{id}"


class BudgetRoutes:
    """Serves budgets from a desk."""

    def __init__(self, desk: BudgetDesk, now: Callable[[], Instant], owned: Callable[[], Collection[str]]) -> None:
        self._parts = (desk, now, owned)
        self._views: BudgetViews | None = None

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Serve them."""
        router.add_get(_ROOT, self._list)
        router.add_post(_ROOT, self._told(lambda views, _, body: views.open(body), status=201))
        router.add_get(_ONE, self._show)
        router.add_patch(_ONE, self._told(lambda views, which, body: views.set_limits(which, body)))
        router.add_post(f"{_ONE}/usage", self._use)
        router.add_get(f"{_ONE}/checkpoint", self._kept)
        router.add_post(
            f"{_ONE}/checkpoint", self._told(lambda views, which, body: views.checkpoint(which, body), status=201)
        )
        router.add_post(f"{_ONE}/stop", self._told(lambda views, which, body: views.stop(which, body)))
        router.add_post(f"{_ONE}/leave", self._told(lambda views, which, body: views.leave(which, body)))
        router.add_post(f"{_ONE}/end", self._told(lambda views, which, body: views.end(which, body)))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = Query(request, "name", "limit")
        name = query.read("name", name_text, default="") or None
        limit = query.read("limit", whole_number(1, _MOST), default=_SHOWN)
        return json_reply(await self._made().runs(name=name, limit=limit))

    async def _show(self, request: web.Request) -> web.StreamResponse:
        progress = _progress(request, "session")
        return json_reply(await self._made().run(request.match_info["id"], progress=progress))

    async def _use(self, request: web.Request) -> web.StreamResponse:
        progress, body = _progress(request), await _body(request)
        return json_reply(await self._made().use(request.match_info["id"], body, progress=progress))

    async def _kept(self, request: web.Request) -> web.StreamResponse:
        Query(request)
        return json_reply(await self._made().last_checkpoint(request.match_info["id"]))

    def _told(self, view: "Callable[[BudgetViews, str, object], Awaitable[Document]]", *, status: int = 200) -> Handler:
        """A route of a view that changes something."""

        async def route(request: web.Request) -> web.StreamResponse:
            Query(request)
            body = await _body(request)
            return json_reply(await view(self._made(), request.match_info.get("id", ""), body), status=status)

        return route

    def _made(self) -> "BudgetViews":
        from brownout.gateway.budget_views import BudgetViews  # noqa: PLC0415 - see above

        self._views = self._views or BudgetViews(*self._parts)
        return self._views


def _progress(request: web.Request, *others: str) -> float | None:
    """How much of the work is done, from 0 to 1, where the request says so; `others` may stand there too."""
    return Query(request, "progress", *others).read("progress", share_text, default=None)


async def _body(request: web.Request) -> object:
    from brownout.gateway.bodies import body_of  # noqa: PLC0415 - see above

    return await body_of(request)
