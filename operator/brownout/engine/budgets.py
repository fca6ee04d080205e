"""The port for budgets: where runs are kept. Beside ports.py, because the library loads it without the engine.

Every process that works on a run holds a session of it. All calls are short and block (milliseconds; up to `patience`
of the store while another process writes): an event loop makes them in a thread. Every call takes `now`, so that a
store has no clock. All of them raise HistoryUnavailable where the store cannot be read or written.
"""

from dataclasses import dataclass
from typing import Protocol

from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Checkpoint, Ending, RunRecord
from brownout.core.budget.usage import Usage
from brownout.core.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run as it was opened, and the number of the session that now holds it. `joined`: it was there before."""

    run: RunRecord
    session: int
    joined: bool


class BudgetStore(Protocol):
    """Runs, their usage and their checkpoints."""

    def open(
        self, name: str, limits: Limits, *, now: Instant, lease_s: float | None = None, fresh: bool = False
    ) -> Held:
        """Join the run of that name that has not ended, with its own limits and usage; begin one where there is none.

        `fresh` ends that one as Abandoned and begins a new one. A session lives as long as this process; with
        `lease_s` (for a client that this process speaks for) as long as signs of life come at least that often.
        """
        ...

    def resume(self, name: str, *, now: Instant, lease_s: float | None = None) -> Held:
        """Continue the newest run of that name with its usage intact, unless it was completed: raises NoSuchRun.

        One that a limit or a request stopped is open again, with `stop_asked_at` cleared.
        """
        ...

    def record(self, run: int, used: Usage, *, now: Instant, session: int | None = None) -> None:
        """Add tokens and calls, durably. With a session it is a sign of life, which counts the time until now.

        `used.elapsed_s` is ignored: time is counted by sessions. A run that has ended still counts what comes late.
        Raises NoSuchRun.
        """
        ...

    def find(self, run: int, *, now: Instant, session: int | None = None) -> RunRecord:
        """The run, with the time of its sessions until their last sign of life, and of `session` until now.

        Raises NoSuchRun.
        """
        ...

    def runs(self, *, now: Instant, name: str | None = None, most: int = 100) -> tuple[RunRecord, ...]:
        """The newest runs, newest first; those of a name where one is given."""
        ...

    def set_limits(self, run: int, limits: Limits, *, now: Instant) -> RunRecord:
        """Replace the limits of a run. Raises NoSuchRun."""
        ...

    def ask_to_stop(self, run: int, *, now: Instant) -> RunRecord:
        """Ask a run to stop; one that no process works on ends at once. Raises NoSuchRun."""
        ...

    def leave(self, run: int, session: int, *, now: Instant, ending: Ending | None) -> RunRecord:
        """End a session. With an `ending` the run ends too, unless another session of it lives. Raises NoSuchRun.

        Without one (its process failed) the run stays, to be resumed.
        """
        ...

    def end(self, run: int, *, now: Instant, ending: Ending) -> RunRecord:
        """End a run, whoever still has it open; one that has ended stays as it is. Raises NoSuchRun."""
        ...

    def checkpoint(self, run: int, state: str | bytes, *, now: Instant, session: int | None = None) -> Checkpoint:
        """Keep a state (text is JSON), whole or not at all, together with the usage until now. Raises NoSuchRun.

        The last few are kept. Raises InvalidInput for one that is too large.
        """
        ...

    def last_checkpoint(self, run: int) -> Checkpoint | None:
        """The newest one that is sound; None where there is none."""
        ...

    def close(self) -> None:
        """Let go of everything; sessions that are still open end here without ending their runs."""
        ...
