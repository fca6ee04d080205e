"""A second process that outlives a wrapper killed with SIGKILL, only to end what it wrapped, gracefully.

The kernel's own means (PDEATHSIG) reaches one process, and asks it once for each thread of the wrapper: many programs
take a second SIGTERM for "at once". The keeper holds one end of a pipe: when that ends without the word of an orderly
end, the wrapper is dead, and all that bears its mark is asked, then ended. It is a fork, so it shares its memory with
the wrapper, and it has left the session, so that no terminal reaches it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from brownout.engine.process_table import ProcessId
from brownout.local.foreground import Tree

__all__ = ["Keeper", "keep"]

_DONE: Final = b"."
_DEAF_TO: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(slots=True)
class Keeper:
    """The wrapper's side of it."""

    pid: int
    _pipe: int | None

    def look_after(self, leader: ProcessId) -> None:
        """Tell it which program it is; before that it knows the mark only."""
        if self._pipe is not None:
            with suppress(OSError):
                os.write(self._pipe, f"{leader.pid} {leader.started}\n".encode())

    def dismiss(self) -> None:
        """All is over in good order; returns when it is gone."""
        self._part(_DONE)

    def hand_over(self) -> None:
        """We cannot go on: it ends what is left, as if we had been killed; returns when it has."""
        self._part(b"")

    def _part(self, word: bytes) -> None:
        if self._pipe is None:
            return
        with suppress(OSError):
            os.write(self._pipe, word)
        os.close(self._pipe)
        self._pipe = None
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def keep(tree: Callable[[], Tree], *, grace_s: float, afterwards: Callable[[], None]) -> Keeper:
    """Fork one. Call it while this process has one thread and nothing open that matters.

    `tree` is called in the keeper, whose own pid must not count; `afterwards` tidies up what a dead wrapper left.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        return Keeper(pid, writing)
    status = 1
    try:
        _alone(reading)
        said = _all_of()
        if not said.endswith(_DONE):
            sys.stderr.write("brownout: its wrapper is gone; ending the program\n")
            asyncio.run(_end(tree(), _leader(said), grace_s))
            afterwards()
        status = 0
    finally:
        os._exit(status)


def _alone(pipe: int) -> None:
    """Out of reach of the terminal, and holding nothing open of what others wait to be closed."""
    os.setsid()
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(pipe, 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))


def _all_of() -> bytes:
    """What the wrapper has said by the time it is gone."""
    return b"".join(iter(lambda: os.read(3, 256), b""))


def _leader(said: bytes) -> ProcessId | None:
    words = said.split()
    return ProcessId(pid=int(words[0]), started=int(words[1])) if len(words) >= 2 else None


async def _end(tree: Tree, leader: ProcessId | None, grace_s: float) -> None:
    await tree.ending(leader, grace_s=grace_s).run()
