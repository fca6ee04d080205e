"""Children that nobody waits for: they come to us when their parents die, and nobody else will bury them.

As a "child subreaper" the controller becomes the parent of every daemon that a workload leaves behind, so that
ancestry can still be seen and no process of ours escapes to init. The price: their exit statuses must be collected,
or they stay as zombies. What we started by ourselves is collected by whoever started it; a zombie that is there at
two looks in a row has nobody.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from brownout.processes.exits import reap

__all__ = ["Orphans", "become_subreaper"]

_PR_SET_CHILD_SUBREAPER: Final = 36
_PROC: Final = Path("/proc")


def become_subreaper() -> None:
    """Ask the kernel to give us the orphans among our descendants. Raises OSError (before Linux 3.4)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")


class _Child(NamedTuple):
    """A child of this process: its state letter and its session."""

    pid: int
    state: str
    session: int


class Orphans:
    """Collects what nobody else collects. Its methods walk /proc: call them in a thread."""

    def __init__(self, children: "Callable[[], Iterator[_Child]] | None" = None) -> None:
        self._children = children or _children
        self._zombies: frozenset[int] = frozenset()

    def bury(self) -> None:
        """Collect the zombies that were zombies at the last call already. Calls belong some seconds apart."""
        zombies = frozenset(child.pid for child in self._children() if child.state == "Z")
        for pid in zombies & self._zombies:
            reap(pid)
        self._zombies = zombies

    def strays(self) -> tuple[int, ...]:
        """Live children that nobody here started: daemons that came to us, whatever they did to their environment.

        A child that we started is in our session or leads one of its own; a daemon that forked twice is in that of
        its dead parent.
        """
        own = os.getsid(0)
        alive = (child for child in self._children() if child.state not in "ZX")
        return tuple(child.pid for child in alive if child.session not in (own, child.pid))


def _children() -> Iterator[_Child]:
    # /proc/self/task/*/children would be quicker, but not every kernel is built with it (CONFIG_PROC_CHILDREN).
    own = os.getpid()
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and (child := _child(int(entry.name), own)) is not None:
            yield child


def _child(pid: int, parent: int) -> _Child | None:
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:  # gone meanwhile
        return None
    # The name stands in parentheses and may hold anything, parentheses too: what follows the last one is safe.
    fields = text[text.rindex(b")") + 2 :].split()
    state, ppid, _, session = fields[:4]
    return _Child(pid, state.decode(), int(session)) if int(ppid) == parent else None
