"""The check by a program: it must end with 0. Own session, own marks, no shell, and nothing of it outlives the check.

What it prints is thrown away: it may hold secrets, and it differs from check to check, which would make the status of
something that is broken change every few seconds.
"""

import asyncio
import os
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from signal import Signals
from typing import Final

from brownout.api.integration import Integration
from brownout.core.health import Answer, Checked
from brownout.engine.ports import ProcessTable
from brownout.local.checking.sweeping import CHECK_MARK, CHECKS_MARK, Sweeper
from brownout.local.launch import inherited
from brownout.processes.exits import until_exit
from brownout.processes.phrases import exit_phrase

__all__ = ["ProgramChecks"]

#: Executing a program blocks while its file is read: on a file server that does not answer, for good. Two may hang so
#: before checks by programs stand still; nothing else does.
_THREADS: Final = 2


@dataclass(slots=True)
class _Child:
    """A program that is being run for a check."""

    popen: "subprocess.Popen[bytes]"
    pidfd: int
    mark: str


class ProgramChecks:
    """Runs programs for checks. `state` is the real path of the state folder, `directory` the watched one."""

    def __init__(
        self, state: str, table: ProcessTable, *, directory: Path, on_fault: Callable[[str, str], None]
    ) -> None:
        self._state = state
        self._directory = directory
        self._on_fault = on_fault
        self._numbers = count()
        self._marks: set[str] = set()
        self._burying: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="brownout-check")
        self._sweeper = Sweeper(table, state, lambda: frozenset(self._marks), lambda said: on_fault("health", said))
        self._used = False

    async def check(self, integration: Integration) -> Checked:
        """Run it once. Cancelled, it is ended with all that it has started."""
        if not self._used:  # what an earlier controller that was killed has left
            self._used = True
            self._sweeper.soon()
        mark = f"{os.getpid()}-{next(self._numbers)}"
        self._marks.add(mark)
        spawning = asyncio.get_running_loop().run_in_executor(self._threads, self._spawn, integration, mark)
        try:
            child = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            spawning.add_done_callback(self._end_late)  # a thread cannot be cancelled, and what it starts must not stay
            raise
        if isinstance(child, Checked):
            self._marks.discard(mark)
            return child
        return await self._watched(child)

    async def close(self) -> None:
        """End what is left of all checks."""
        if self._used:
            self._marks.clear()
            await self._sweeper.finish()
            await asyncio.gather(*self._burying, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _watched(self, child: _Child) -> Checked:
        try:
            await until_exit(child.pidfd)
        except asyncio.CancelledError:
            self._end(child)
            raise
        self._kill_group(child)  # before it is reaped: until then nobody else can be given its number
        status = self._reaped(child)
        if status == 0:
            return Checked(answer=Answer.OK)
        return Checked(answer=Answer.FAILED, why=f"{_program(child)} {exit_phrase(status)}")

    def _spawn(self, integration: Integration, mark: str) -> _Child | Checked:
        """Start it, in a thread."""
        probe, command = integration.spec.health.exec, integration.spec.workload.command
        argv = probe.argv if probe is not None else ()
        place = self._directory / ((command.working_directory if command else None) or "")
        try:
            child = subprocess.Popen(  # noqa: S603  # the owner's own argv is what we are for
                argv,
                env=self._environment(command.env if command else {}, mark),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return _not_started(error, argv)
        return self._held(child, mark)

    def _held(self, child: "subprocess.Popen[bytes]", mark: str) -> _Child | Checked:
        try:
            return _Child(child, os.pidfd_open(child.pid), mark)
        except OSError as error:  # no descriptor left: what cannot be watched must not run
            child.kill()
            child.wait()
            return Checked(answer=Answer.BLOCKED, why=f"no program can be watched: {error.strerror}")

    def _environment(self, env: Mapping[str, str], mark: str) -> Mapping[str, str]:
        return {**inherited(os.environ), **env, CHECKS_MARK: self._state, CHECK_MARK: mark}

    def _end_late(self, spawning: "asyncio.Future[_Child | Checked]") -> None:
        if not spawning.cancelled() and isinstance(child := spawning.result(), _Child):
            self._end(child)

    def _end(self, child: _Child) -> None:
        """End it and all of its session at once, and soon whatever has left the session."""
        self._kill_group(child)
        burying = asyncio.ensure_future(self._bury(child))
        self._burying.add(burying)
        burying.add_done_callback(self._burying.discard)

    async def _bury(self, child: _Child) -> None:
        await until_exit(child.pidfd)
        self._reaped(child)
        self._sweeper.soon()

    def _kill_group(self, child: _Child) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.popen.pid, Signals.SIGKILL)

    def _reaped(self, child: _Child) -> int:
        os.close(child.pidfd)
        self._marks.discard(child.mark)
        return child.popen.wait()


def _program(child: _Child) -> str:
    args = child.popen.args
    return str(args[0]) if isinstance(args, list | tuple) else str(args)


def _not_started(error: Exception, argv: tuple[str, ...]) -> Checked:
    """Why it was not started: a program that is not there is the owner's fault, a machine without memory is not."""
    program = argv[0] if argv else "nothing"
    match error:
        case FileNotFoundError():
            return Checked(answer=Answer.FAILED, why=f"{program} was not found")
        case PermissionError():
            return Checked(answer=Answer.FAILED, why=f"{program} is not executable by this user")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Checked(answer=Answer.BLOCKED, why=f"{program} cannot be started: {reason}")
