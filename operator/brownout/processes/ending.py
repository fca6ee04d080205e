"""One graceful stop: ask, wait, then end all of it, and be sure that it is gone.

All of it means every process that the census finds, again and again until none is left: a stop that only ends the
process it knows leaves the daemon that hid (earlyoom 121: several victims because nobody waited for the exit). It
knows neither why it ends something nor what comes next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from signal import Signals
from typing import Final

from brownout.engine.process_table import ProcessId
from brownout.processes.exits import Lives, send, until_exits

__all__ = ["Ended", "Ending", "Manner"]

#: How long a killed process may take to leave the kernel. Longer is uninterruptible sleep: a dead disk or NFS server.
_KILL_PATIENCE_S: Final = 10.0
#: The longest wait between two looks: what was forked meanwhile, and what no pidfd could be had for, is seen then.
_LOOK_S: Final = 0.5


class Manner(StrEnum):
    """How it came to an end."""

    ABSENT = "absent"  # there was nothing
    FINISHED = "finished"  # it ended when asked
    KILLED = "killed"
    STUCK = "stuck"  # something of it outlives SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of an ending; `rest` is what still lives."""

    manner: Manner
    took_s: float
    rest: tuple[ProcessId, ...] = ()


class Ending:
    """Ends everything that `find` finds. `find` looks anew at each call; `lives` is quick and may be asked often."""

    def __init__(self, find: Callable[[], Awaitable[tuple[ProcessId, ...]]], lives: Lives, *, grace_s: float) -> None:
        self._find = find
        self._lives = lives
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._deadline = self._began + grace_s
        self._sooner = asyncio.Event()

    def shorten(self, grace_s: float) -> None:
        """Wait no longer than `grace_s` from now; a longer time changes nothing."""
        self._deadline = min(self._deadline, self._loop.time() + grace_s)
        self._sooner.set()

    async def run(self) -> Ended:
        """Do it; returns when nothing is left, or 10 s after SIGKILL with what does not die."""
        members = await self._find_surely()
        if not members:
            return self._ended(Manner.ABSENT)
        for process in members:
            send(process, Signals.SIGTERM, self._lives)
            send(process, Signals.SIGCONT, self._lives)  # one that stands still could not hear the first
        if await self._left():
            return self._ended(Manner.FINISHED)
        rest = await self._kill()
        return self._ended(Manner.STUCK if rest else Manner.KILLED, rest)

    async def _left(self) -> bool:
        """Whether all went by themselves before the deadline, which may come nearer meanwhile."""
        while members := await self._find_surely():
            left_s = self._deadline - self._loop.time()
            if left_s <= 0:
                return False
            await self._until_exits_or_sooner(members, min(left_s, _LOOK_S))
        return True

    async def _find_surely(self) -> tuple[ProcessId, ...]:
        """What is found; nothing only if nothing is found three times: a daemon may be born behind a look's back."""
        return await self._find() or await self._find() or await self._find()

    async def _until_exits_or_sooner(self, members: tuple[ProcessId, ...], timeout_s: float) -> None:
        self._sooner.clear()
        exits = asyncio.ensure_future(until_exits(members, self._lives, timeout_s=timeout_s))
        sooner = asyncio.ensure_future(self._sooner.wait())
        try:
            await asyncio.wait((exits, sooner), return_when=asyncio.FIRST_COMPLETED)
        finally:
            exits.cancel()
            sooner.cancel()
            await asyncio.gather(exits, sooner, return_exceptions=True)

    async def _kill(self) -> tuple[ProcessId, ...]:
        """Kill whatever is found until nothing is; what forks faster than it is found once is found the next time."""
        patience = self._loop.time() + _KILL_PATIENCE_S
        while members := await self._find_surely():
            for process in members:
                send(process, Signals.SIGKILL, self._lives)
            if self._loop.time() >= patience:
                return members
            await until_exits(members, self._lives, timeout_s=_LOOK_S)
        return ()

    def _ended(self, manner: Manner, rest: tuple[ProcessId, ...] = ()) -> Ended:
        return Ended(manner=manner, took_s=self._loop.time() - self._began, rest=rest)
