"""The process that was started: held by its pidfd, so that it can be watched and signalled and never be mistaken."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brownout.engine.process_table import ProcessId, ProcessTable
from brownout.processes.exits import reap

__all__ = ["Leader", "lead", "why_not"]


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


def lead(child: "subprocess.Popen[bytes]", table: ProcessTable) -> Leader:
    """The leader that a child just started is. Raises OSError where it cannot be watched; it is ended then."""
    try:
        # Nobody else reaps our child, so its pid cannot have been given away, even if it has exited already.
        pidfd = os.pidfd_open(child.pid)
    except OSError:  # no descriptor left: what cannot be watched must not run
        child.kill()
        child.wait()
        raise
    process = table.identify(child.pid) or ProcessId(pid=child.pid, started=_UNKNOWN_START)
    return Leader(process, pidfd, child)


#: Start time of a program that had ended before it could be looked at.
_UNKNOWN_START: Final = 0


def why_not(error: Exception, program: str, directory: Path) -> str:
    """Why a program could not be started, in a sentence that names the file which is at fault."""
    if isinstance(error, OSError) and str(error.filename) == str(directory):
        return f"cannot start in {directory}: {error.strerror}"
    match error:
        case FileNotFoundError():
            return f"{program} was not found (or the interpreter that its first line names)"
        case PermissionError():
            return f"{program} is not executable by this user"
        case OSError(strerror=str() as reason):
            return f"{program} cannot be executed: {reason}"
    return f"{program} cannot be started: {error}"
