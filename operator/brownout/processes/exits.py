"""Signals to processes, and waiting for their exit, without ever meaning another process by a reused pid.

A pidfd names one process for good and becomes readable when it ends, whoever its parent is; so children of a killed
controller are watched as well as our own. Nothing here knows integrations.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

from brownout.engine.process_table import ProcessId

__all__ = ["open_pidfd", "reap", "send", "until_exit", "until_exits"]

Lives = Callable[[ProcessId], bool]


def open_pidfd(process: ProcessId, lives: Lives) -> int | None:
    """A file descriptor of this very process, to be closed by the caller; None when it is gone or none can be had."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    # Checked after opening: what lives now and began when ours did is ours, and the descriptor cannot change its mind.
    if lives(process):
        return pidfd
    os.close(pidfd)
    return None


def send(process: ProcessId, number: signal.Signals, lives: Lives) -> None:
    """Send a signal to this very process; one that is gone is no fault."""
    pidfd = open_pidfd(process, lives)
    with suppress(ProcessLookupError, PermissionError):
        if pidfd is not None:
            try:
                signal.pidfd_send_signal(pidfd, number)
            finally:
                os.close(pidfd)
        elif lives(process):  # no descriptor left for a pidfd (EMFILE): the check just before is all there is
            os.kill(process.pid, number)


async def until_exit(pidfd: int) -> None:
    """Return when the process of a pidfd has ended. The descriptor stays open."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    loop.add_reader(pidfd, _settle, ended)
    try:
        await ended
    finally:
        loop.remove_reader(pidfd)


async def until_exits(processes: Sequence[ProcessId], lives: Lives, *, timeout_s: float) -> None:
    """Return when all have ended, or the time is over. One that cannot be watched is left to the timeout."""
    pidfds = [open_pidfd(process, lives) for process in processes]
    unwatched = any(pidfd is None and lives(process) for pidfd, process in zip(pidfds, processes, strict=True))
    waits: list[asyncio.Future[None]] = [
        asyncio.ensure_future(until_exit(pidfd)) for pidfd in pidfds if pidfd is not None
    ]
    if unwatched:
        waits.append(asyncio.get_running_loop().create_future())
    try:
        if waits:
            await asyncio.wait(waits, timeout=max(0.0, timeout_s))
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        for pidfd in filter(None, pidfds):
            os.close(pidfd)


def reap(pid: int) -> int | None:
    """The exit status of a child that has ended (negative: the signal that ended it); None where it is not ours."""
    try:
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
