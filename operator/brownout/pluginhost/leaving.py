"""How one run of a plugin goes: told, waited for, asked by SIGTERM, killed, and looked for until nothing is left."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from brownout.engine.ports import ProcessId
from brownout.processes.ending import Ended, Ending, Manner
from brownout.processes.exits import Lives

__all__ = ["Leaving"]

#: How long the burial of what has ended may take: a wait for a child, and three looks that find nothing.
_BURIAL_S: Final = 10.0

Find = Callable[[], Awaitable[tuple[ProcessId, ...]]]


class Leaving:
    """Ends what `find` finds. `gone` is done when nothing of it is left and it has been buried."""

    def __init__(self, gone: "asyncio.Future[str]", find: Find, lives: Lives, *, grace_s: float, last_s: float) -> None:
        self._gone = gone
        self._find = find
        self._lives = lives
        self._last_s = last_s
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._deadline = self._began + grace_s
        self._sooner = asyncio.Event()
        self._ending: Ending | None = None

    def shorten(self, grace_s: float) -> None:
        """Wait no longer than `grace_s` from now; a longer time changes nothing."""
        self._deadline = min(self._deadline, self._loop.time() + grace_s)
        self._sooner.set()
        if self._ending is not None:
            self._ending.shorten(grace_s)

    async def run(self, goodbye: Callable[[], bool]) -> Ended:
        """Do it. `goodbye` tells the plugin to finish; False where it cannot be told."""
        if self._left_s() > 0 and goodbye():
            await self._until_gone()
        if self._gone.done():
            return Ended(manner=Manner.FINISHED, took_s=self._loop.time() - self._began)
        # Who was given no time at all is given none now; who was told and did not come is asked once more.
        last_s = self._last_s if self._deadline > self._began else 0.0
        self._ending = Ending(self._find, self._lives, grace_s=last_s)
        ended = await self._ending.run()
        if ended.manner is not Manner.STUCK:
            await asyncio.wait((self._gone,), timeout=_BURIAL_S)
        manner = Manner.KILLED if ended.manner is Manner.ABSENT else ended.manner
        return Ended(manner=manner, took_s=self._loop.time() - self._began, rest=ended.rest)

    def _left_s(self) -> float:
        return self._deadline - self._loop.time()

    async def _until_gone(self) -> None:
        while not self._gone.done() and (left_s := self._left_s()) > 0:
            self._sooner.clear()
            sooner = asyncio.ensure_future(self._sooner.wait())
            await asyncio.wait((self._gone, sooner), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            sooner.cancel()
