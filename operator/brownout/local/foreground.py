"""A program in the foreground: with our terminal, in our process group, and never to outlive us unseen.

It stays in the group that the shell made for us, so that Ctrl-C, Ctrl-Z, `fg` and pipelines work as if we were not
there. So it cannot be told by its group: its processes are known by a mark in their environment and by descent. It
knows nothing of limits; who wraps the program does.
"""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brownout.engine.process_table import ProcessId, ProcessTable
from brownout.processes.ending import Ended, Ending
from brownout.processes.exits import send, until_exit
from brownout.processes.leader import Leader, lead, why_not

__all__ = ["Foreground", "NotStarted", "Tree", "start", "unstartable"]

#: As a shell says it: not found, and found but not to be executed.
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why the program could not be started, and the exit code that shells give for it."""

    why: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All that belongs to one wrapped program: whatever bears the mark, and its descendants."""

    table: ProcessTable
    variable: str
    value: str

    def members(self, leader: ProcessId | None) -> tuple[ProcessId, ...]:
        """Every live process of it. Walks /proc: call it in a thread."""
        marked = self.table.marked(self.variable, self.value)
        roots = {*marked, *((leader,) if leader else ())}
        return self.table.tree(sorted(roots)) if roots else ()

    def lives(self, process: ProcessId) -> bool:
        """Whether this very process still lives."""
        return self.table.identify(process.pid) == process

    def ending(self, leader: ProcessId | None, *, grace_s: float) -> Ending:
        """A graceful stop of all of it. Made on the event loop that runs it."""
        return Ending(lambda: asyncio.to_thread(self.members, leader), self.lives, grace_s=grace_s)


class Foreground:
    """A program that was started. All methods run on the event loop; `exited` has to be awaited for it to be reaped."""

    def __init__(self, leader: Leader, tree: Tree) -> None:
        self._leader = leader
        self._tree = tree
        self._ending: Ending | None = None

    @property
    def process(self) -> ProcessId:
        """The program itself."""
        return self._leader.process

    @property
    def ending(self) -> bool:
        """Whether it is being ended."""
        return self._ending is not None

    async def exited(self) -> int:
        """Wait until the program itself ends; its exit status, negative where a signal ended it."""
        await until_exit(self._leader.pidfd)
        return self._leader.release() or 0

    def send(self, number: signal.Signals) -> None:
        """A signal to the program itself; one that is gone is no fault."""
        send(self._leader.process, number, self._tree.lives)

    async def end(self, grace_s: float) -> Ended:
        """SIGTERM to all of it, and SIGKILL to what is left after the grace; returns when nothing is left."""
        self._ending = self._tree.ending(self._leader.process, grace_s=grace_s)
        return await self._ending.run()

    def hurry(self) -> None:
        """Take the rest of the grace from an ending that is under way."""
        if self._ending is not None:
            self._ending.shorten(0.0)


def unstartable(program: str) -> NotStarted | None:
    """Why a program of this name cannot be started, as far as that can be told before."""
    if shutil.which(program) is not None:
        return None
    there = "/" in program and Path(program).exists()
    error = PermissionError() if there else FileNotFoundError()
    return NotStarted(why_not(error, program, Path.cwd()), _NOT_EXECUTABLE if there else _NOT_FOUND)


def start(argv: Sequence[str], environment: Mapping[str, str], *, tree: Tree) -> Foreground | NotStarted:
    """Start it, with every descriptor that is inheritable, as if the shell had started it.

    This process must have one thread only: what is done between fork and exec needs Python's own locks.
    """

    def in_the_child() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what we hold back (see relay.py) is for it to hear

    try:
        child = subprocess.Popen(  # noqa: S603 - the user's own argv is what we are for
            list(argv),
            env=dict(environment),
            close_fds=False,
            preexec_fn=in_the_child,  # noqa: PLW1509 - one thread
        )
        return Foreground(lead(child, tree.table), tree)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        return NotStarted(why_not(error, argv[0], Path.cwd()), code)
