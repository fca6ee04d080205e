"""The sentences about programs that end. People read them in `brownout get` and in the history."""

from signal import Signals
from typing import Final

from brownout.engine.ports import Outcome, OutcomeStatus
from brownout.processes.ending import Ended, Manner

__all__ = ["exit_phrase", "stop_outcome"]

_MOST_PIDS: Final = 5


def exit_phrase(status: int | None) -> str:
    """How a program ended. Negative: the signal that ended it; None: it was not our child, so nobody told us."""
    if status is None:
        return "exited"
    if status >= 0:
        return f"exited with {status}"
    return f"was ended by {_signal(-status)}"


def stop_outcome(ended: Ended, grace_s: float) -> Outcome:
    """What a stop came to."""
    match ended.manner:
        case Manner.ABSENT:
            return Outcome(status=OutcomeStatus.DONE, detail="it was not running")
        case Manner.FINISHED:
            return Outcome(status=OutcomeStatus.DONE, detail=f"finished in {ended.took_s:.1f} s")
        case Manner.KILLED:
            detail = f"did not finish within {grace_s:g} s and was killed, all gone after {ended.took_s:.1f} s"
            return Outcome(status=OutcomeStatus.DONE, detail=detail)
    return Outcome(status=OutcomeStatus.FAILED, detail=_stuck(ended))


def _stuck(ended: Ended) -> str:
    pids = ", ".join(str(one.pid) for one in ended.rest[:_MOST_PIDS])
    which = f"process {pids}" if len(ended.rest) == 1 else f"{len(ended.rest)} processes ({pids})"
    return f"{which} outlived SIGKILL by 10 s: uninterruptible, mostly because a disk or file server does not answer"


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
