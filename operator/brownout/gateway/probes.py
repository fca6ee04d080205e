"""Probes: whether the controller lives, whether it is fit for work, and its metrics. Plain text, for supervisors.

Liveness is about the decision loop, not about this server: answering while the loop hangs is how a dead controller
looks healthy (ollama 17408).
"""

import asyncio

from aiohttp import web

from brownout.gateway.documents import Redact
from brownout.gateway.replies import HEADERS, text_reply
from brownout.gateway.views import ReadModel

__all__ = ["Probes"]


class Probes:
    """Answers from memory, at once. `rendering` lets one long answer be made at a time."""

    def __init__(self, model: ReadModel, redact: Redact, rendering: asyncio.Lock) -> None:
        self._model = model
        self._redact = redact
        self._rendering = rendering

    async def livez(self, request: web.Request) -> web.Response:
        """200 while the loop ticks."""
        del request
        return _ok() if self._model.alive() else text_reply("the loop has not ticked in time\n", status=503)

    async def readyz(self, request: web.Request) -> web.Response:
        """200, or 503 with a line for each fault."""
        del request
        faults = self._model.readiness()
        lines = "".join(f"{_one_line(str(self._redact(fault)))}\n" for fault in faults)
        return text_reply(lines, status=503) if faults else _ok()

    async def metrics(self, request: web.Request) -> web.Response:
        """The exposition. Made on a thread: with 1000 integrations it takes 0.1 s, which the sentinel has not."""
        del request
        async with self._rendering:
            body, content_type = await asyncio.to_thread(self._model.metrics)
        return web.Response(body=body, headers={**HEADERS, "Content-Type": content_type})


def _ok() -> web.Response:
    return text_reply("ok\n")


def _one_line(fault: str) -> str:
    return "".join(char if char.isprintable() else " " for char in fault)
