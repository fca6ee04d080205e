"""Starting one program: own session, own environment, no shell, and a reason where it cannot be started.

It knows nothing of when to start again, nor of how to end what it started.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from brownout.engine.ports import ProcessId, ProcessTable
from brownout.local.launch import Launch
from brownout.processes.exits import open_pidfd, reap
from brownout.processes.logs import Logs

__all__ = ["Leader", "Refusal", "Spawner"]


@dataclass(slots=True)
class Leader:
    """The process that a workload stands and falls with, held by its pidfd. `child` is set where we started it."""

    process: ProcessId
    pidfd: int
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def identity(self) -> str:
        """This very run, for people and for steps that are planned against it."""
        return f"{self.process.pid}:{self.process.started}"

    def release(self) -> int | None:
        """Let go of a process that has ended: its exit status (negative: a signal), None where it was not our child."""
        os.close(self.pidfd)
        return self.child.poll() if self.child else reap(self.process.pid)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a program could not be started."""

    why: str


class Spawner:
    """Starts programs. Its methods block while the kernel executes a program: call them in a thread."""

    def __init__(self, table: ProcessTable, logs: Logs, state: str) -> None:
        self._table = table
        self._logs = logs
        self._state = state

    def spawn(self, launch: Launch, took: Callable[[Leader], None]) -> Leader | Refusal:
        """Start it. `took` is called in this thread as soon as there is a process, also when nobody waits any more."""
        writer = self._logs.attach(launch.key)
        try:
            leader = self._lead(self._execute(launch, subprocess.DEVNULL if writer is None else writer))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Refusal(_why(error, launch))
        finally:
            if writer is not None:
                os.close(writer)
        took(leader)
        return leader

    def adopt(self, process: ProcessId, key: str) -> Leader | None:
        """Take over a process that an earlier controller started; None when it is gone."""
        self._logs.resume(key)
        pidfd = open_pidfd(process, lambda one: self._table.identify(one.pid) == one)
        return None if pidfd is None else Leader(process, pidfd)

    def _execute(self, launch: Launch, output: int) -> "subprocess.Popen[bytes]":
        # Not a shell; `start_new_session` calls setsid in C: a preexec_fn could deadlock in a process with threads.
        return subprocess.Popen(  # noqa: S603  # the owner's own argv is what we are for
            launch.argv,
            env=launch.environment(os.environ, self._state),
            cwd=launch.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _lead(self, child: "subprocess.Popen[bytes]") -> Leader:
        try:
            # Nobody else reaps our child, so its pid cannot have been given away, even if it has exited already.
            pidfd = os.pidfd_open(child.pid)
        except OSError:  # no descriptor left: what cannot be watched must not run
            child.kill()
            child.wait()
            raise
        process = self._table.identify(child.pid) or ProcessId(pid=child.pid, started=_UNKNOWN_START)
        return Leader(process, pidfd, child)


#: Start time of a program that had ended before it could be looked at.
_UNKNOWN_START: Final = 0


def _why(error: Exception, launch: Launch) -> str:
    """The reason in a sentence that names the file which is at fault."""
    program = launch.argv[0]
    if isinstance(error, OSError) and str(error.filename) == str(launch.directory):
        return f"cannot start in {launch.directory}: {error.strerror}"
    match error:
        case FileNotFoundError():
            return f"{program} was not found (or the interpreter that its first line names)"
        case PermissionError():
            return f"{program} is not executable by this user"
        case OSError(strerror=str() as reason):
            return f"{program} cannot be executed: {reason}"
    return f"{program} cannot be started: {error}"
