"""Rows on their way to the disk: in order, bounded, and readable while they wait.

The writer takes a batch and keeps it until it is settled, so nothing is lost by a failed write. When the bound is
reached the oldest samples go first and decisions last, and what went is counted. It knows no database.
"""

import threading
from collections import deque
from typing import Final

from brownout.history.rows import Row, SampleRow

# At a sample every 30 s and a handful of decisions an hour 10 000 rows are about three days without a disk, 10 MB.
MOST_ROWS: Final = 10_000


class Ring:
    """One producer side (any thread) and one consumer, the writer. No call but `take` waits."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._most = most_rows
        self._waiting: deque[Row] = deque()
        self._taken: tuple[Row, ...] = ()
        self._changed = threading.Condition()
        self._ending = False
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

    @property
    def ending(self) -> bool:
        """Whether no more rows will come and the writer should finish."""
        return self._ending

    def add(self, row: Row) -> bool:
        """Queue a row behind the others. False: an older one had to go for it."""
        with self._changed:
            full = len(self._waiting) >= self._most
            if full:
                self._drop_one()
            self._waiting.append(row)
            self._changed.notify_all()
        return not full

    def take(self, most: int, *, wait_s: float) -> tuple[Row, ...]:
        """The batch still in hand, or the next rows; waits for the first of them, for `wait_s` at the most."""
        with self._changed:
            if not self._taken and not self._waiting and not self._ending:
                self._changed.wait(wait_s)
            if not self._taken:
                self._taken = tuple(self._waiting.popleft() for _ in range(min(most, len(self._waiting))))
            return self._taken

    def settle(self) -> None:
        """The batch in hand is on disk."""
        with self._changed:
            self._taken = ()

    def pause(self, wait_s: float) -> None:
        """Wait whatever comes, but not longer than until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending, wait_s)

    def wake(self) -> None:
        """Let a waiting `take` return with nothing."""
        with self._changed:
            self._changed.notify_all()

    def end(self) -> None:
        """No more rows will come."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def pending(self) -> tuple[Row, ...]:
        """What is not known to be on disk, oldest first."""
        with self._changed:
            return (*self._taken, *self._waiting)

    def _drop_one(self) -> None:
        oldest_sample = next((i for i, row in enumerate(self._waiting) if isinstance(row, SampleRow)), 0)
        del self._waiting[oldest_sample]
        self.lost += 1
