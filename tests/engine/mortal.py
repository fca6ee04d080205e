"""Killing a controller at its n-th effect on the world: just before it, or just after it and before it is told.

What is dead has no effect any more. The box outlives it, as machine, files and cluster do.
"""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from brownout.api.workload import WorkloadKind
from brownout.engine.controller import Controller
from tests.engine.world import Box

#: What changes the world. A look at it is no place to crash that differs from the one before.
EFFECTS = frozenset({"intend", "intend_now", "resolve", "write_status", "announce", "start", "stop", "forget", "close"})


class Crash(BaseException):
    """The end of a process: no `except Exception` notices it."""


class Life:
    """One life of a controller, which ends at its `last` effect; never, if there are fewer."""

    def __init__(self, last: int, *, told: bool) -> None:
        self.last = last
        self.told = told
        self.effects = 0
        self.over = asyncio.Event()

    def begin(self) -> bool:
        """Whether this effect is the last one. Raises Crash if it does not even happen."""
        if self.over.is_set():
            raise Crash
        self.effects += 1
        last = self.effects == self.last
        if last and not self.told:
            self.end()
        return last

    def end(self) -> None:
        """Die. Raises Crash."""
        self.over.set()
        raise Crash


class Mortal:
    """A port of a mortal controller."""

    def __init__(self, port: object, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)
        if name not in EFFECTS:
            return call
        return self._awaited(call) if inspect.iscoroutinefunction(call) else self._called(call)

    def _called(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            last = self._life.begin()
            answer = call(*args, **named)
            if last:
                self._life.end()
            return answer

        return counted

    def _awaited(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*args: Any, **named: Any) -> Any:
            last = self._life.begin()
            answer = await call(*args, **named)
            if last:
                self._life.end()
            return answer

        return counted


async def lived(box: Box, life: Life, *, for_s: float, enough: Callable[[], bool] = lambda: False) -> bool:
    """Let a controller live for so long, or until it is enough, unless it dies before; whether it died."""
    world = box.world(
        home=Mortal(box.home, life),
        journal=Mortal(box.journal, life),
        drivers={WorkloadKind.COMMAND: Mortal(box.machine, life)},
    )
    asyncio.get_running_loop().set_exception_handler(_told_of)
    before = asyncio.all_tasks()
    running = asyncio.create_task(Controller(world).run())
    ends_at = asyncio.get_running_loop().time() + for_s
    while not life.over.is_set() and not enough() and asyncio.get_running_loop().time() < ends_at:
        with suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await life.over.wait()
    died = life.over.is_set()
    life.over.set()  # what is killed does not tidy up
    await _buried(running, before)
    return died


def _told_of(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody collects the tasks of a dead process; that they ended by its death is no news."""
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)


async def _buried(running: asyncio.Task[None], before: set[asyncio.Task[Any]]) -> None:
    running.cancel()
    while left := asyncio.all_tasks() - before:
        for task in left:
            task.cancel()
        await asyncio.wait(left)
    with suppress(BaseException):
        running.result()
