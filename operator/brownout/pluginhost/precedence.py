"""Which worker goes before which where there are not cores for all: who computes goes behind who answers.

The kernel shares a core fairly, and lets who wakes up wait until the slice of who computes is over: up to one tick of
its clock, 4 ms on many machines, where a request takes 0.3 ms. Two workers that computed on end made the p90 of their
neighbours on two cores 3.5 ms instead of 0.8; ten steps of niceness behind them, it was 0.8 again, and beside one that
spins in two threads the p99 went from 5.3 to 3.2 ms, with SCHED_IDLE to 2.3. Such a worker gets all the time that
nobody else wants; if that is less than a quarter of a core it has its place again, so nobody starves.

Linux has two nicenesses: one of each thread, and, where it groups sessions (autogroup, as on desktops), one of each
session. Threads can go behind; that they come back takes a right that not everybody has. And neither lets who wakes up
in another session go first: where there is a control group, that is told instead.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

from brownout.pluginhost.cpu_group import CpuGroup

__all__ = ["BEHIND_STEPS", "Precedence", "place_behind", "reversible", "yielding"]

#: 1.25 ** 10: a tenth of the weight.
BEHIND_STEPS: Final = 10
#: After a request came: most are answered by then, and who computes has not yet held up many others.
_FIRST_LOOK_S: Final = 0.01
_LOOK_S: Final = 0.05
#: Of one core. Somebody who answers 200 small requests a second takes a twentieth.
_MUCH: Final = 0.25
_LAST_NICE: Final = 19
#: Without real time, which nobody should change by the way.
_FAIR_POLICIES: Final = (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE)
#: How Linux makes the number of a process's clock from its own; clock_getcpuclockid(3).
_CPU_CLOCK: Final = 2


class Precedence:
    """The place of one worker, which came up behind the others or beside them. All methods run on the event loop.

    `busy` says whether it is worth looking at often, `owes` whether there is an answer of it that nobody waits for any
    more: it is then behind, whatever it takes.
    """

    def __init__(
        self, pid: int, group: CpuGroup | None, *, behind: bool, busy: Callable[[], bool], owes: Callable[[], bool]
    ) -> None:
        self._pid, self._group = pid, group
        self._busy, self._owes = busy, owes
        self._loop = asyncio.get_running_loop()
        self._looked_at, self._used_s = self._loop.time(), _cpu_s(pid)
        self._placed = _Place(behind=behind, threads=reversible(), yields=behind)
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def behind(self) -> bool:
        """Whether it is behind the others now."""
        return self._placed.behind

    def attend(self) -> None:
        """Look at it often from now on, as long as it is busy."""
        if self._timer is None and not self._closed:
            self._looked_at, self._used_s = self._loop.time(), _cpu_s(self._pid)
            self._timer = self._loop.call_later(_FIRST_LOOK_S, self._attended)

    def look(self) -> None:
        """Give it its place, by what it took since it was looked at last."""
        if self._closed:
            return
        before_s, looked_at = self._used_s, self._looked_at
        self._looked_at, self._used_s = self._loop.time(), _cpu_s(self._pid)
        owes = self._owes()
        much = self._used_s - before_s > _MUCH * (self._looked_at - looked_at)
        place = _Place(behind=owes or much, threads=owes or reversible(), yields=much)
        if place != self._placed and self._put(place):
            self._placed = place

    def close(self) -> None:
        """Look no more: its number may soon be another's."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, place: "_Place") -> bool:
        if self._group is None:
            return _place_session(self._pid, place)
        self._group.place(behind=place.behind, yields=place.yields)
        return True

    def _attended(self) -> None:
        self._timer = None
        if self._busy() or self.behind:
            self.look()
        if not self._closed and (self._busy() or (self.behind and not self._owes())):
            self._timer = self._loop.call_later(_LOOK_S, self._attended)


class _Place(NamedTuple):
    """Behind the others or beside them; with its threads, or with its session alone; giving way at once to anybody."""

    behind: bool
    threads: bool
    yields: bool


def place_behind(pid: int) -> None:
    """Put a worker that was just started behind the others, as far as it can come back."""
    _place_session(pid, _Place(behind=True, threads=reversible(), yields=True))


def yielding(group: CpuGroup | None) -> str:
    """By what a worker that computes gives way at once to another that wakes up; empty where by nothing."""
    if group is not None:
        return "a control group (cpu.idle)" if group.idle else ""
    return "SCHED_IDLE" if reversible() and not _sessions_grouped() else ""


def _sessions_grouped() -> bool:
    """Whether niceness stays within a session; only what is in the topmost control group is grouped by sessions."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/sched_autogroup_enabled").read_text().strip() != "0"
    return False


@cache
def reversible() -> bool:
    """Whether threads that went behind may come back, as root's may. Tried out by one that ends."""
    allowed: list[bool] = []

    def attempt() -> None:
        own = os.getpriority(os.PRIO_PROCESS, 0)  # on Linux that of this very thread
        try:
            os.setpriority(os.PRIO_PROCESS, 0, min(_LAST_NICE, own + 1))
            os.setpriority(os.PRIO_PROCESS, 0, own)
        except OSError:
            return
        allowed.append(True)

    trying = Thread(target=attempt)
    trying.start()
    trying.join()
    return bool(allowed)


def _place_session(pid: int, place: _Place) -> bool:
    """Put the session of a worker, and all threads of its process group, there; False where it is to be tried again."""
    steps = BEHIND_STEPS if place.behind else 0
    if place.threads:
        nice = min(_LAST_NICE, os.getpriority(os.PRIO_PROCESS, 0) + steps)
        with suppress(OSError):  # it has ended, or it may not come back
            _put_policy(pid, idle=place.yields)
            os.setpriority(os.PRIO_PGRP, pid, nice)
    try:
        Path(f"/proc/{pid}/autogroup").write_text(str(steps))
    except BlockingIOError:  # who is not root is allowed ten of these in a second
        return False
    except OSError:  # this kernel has no groups of sessions
        return True
    return True


def _put_policy(pid: int, *, idle: bool) -> None:
    """Its own threads give way at once to whoever wakes up, or as ours do. Raises OSError."""
    own = os.sched_getscheduler(0)
    if own in _FAIR_POLICIES:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):  # a thread that has ended meanwhile
                os.sched_setscheduler(int(task.name), os.SCHED_IDLE if idle else own, os.sched_param(0))


def _cpu_s(pid: int) -> float:
    """What all threads of a process have taken; 0 of one that has ended."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except OSError:
        return 0.0
