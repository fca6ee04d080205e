"""Starting one program: own session, own environment, no shell, and a reason where it cannot be started.

It knows nothing of when to start again, nor of how to end what it started.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from brownout.engine.ports import ProcessId, ProcessTable
from brownout.local.launch import Launch
from brownout.processes.exits import open_pidfd
from brownout.processes.leader import Leader, lead, why_not
from brownout.processes.logs import Logs

__all__ = ["Refusal", "Spawner"]


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
            child = self._execute(launch, subprocess.DEVNULL if writer is None else writer)
            leader = lead(child, self._table)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Refusal(why_not(error, launch.argv[0], launch.directory))
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
