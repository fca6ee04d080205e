"""The log's last step: lines go out on a thread of their own, so that a full pipe holds up nobody.

Non-blocking writes would not do: O_NONBLOCK on standard error is shared with the shell and with every child that
inherits it, and a stopped terminal or a slow disk blocks all the same. The thread costs 0.04 MB resident. Lines wait
in a bounded queue; what does not fit is dropped and counted, and the count is written as soon as there is room.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["LineWriter"]

#: Lines that wait: some 2000 ordinary ones. More would only grow while nobody reads.
MOST_WAITING_BYTES: Final = 256 * 1024


class LineWriter:
    """Writes lines to a file descriptor, in order. `dropped_line` makes the line that tells of lost ones."""

    def __init__(
        self, descriptor: int, *, dropped_line: Callable[[int], str], most_waiting_bytes: int = MOST_WAITING_BYTES
    ) -> None:
        self._descriptor = descriptor
        self._dropped_line = dropped_line
        self._most_waiting_bytes = most_waiting_bytes
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._closing = False
        self._changed = threading.Condition(threading.Lock())
        # A daemon: a write that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="brownout-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines lost and not yet told of."""
        return self._dropped

    def write(self, line: str) -> None:
        """Queue one line (without its end), or drop and count it; returns at once."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._changed:
            if self._closing or self._waiting_bytes + len(data) > self._most_waiting_bytes:
                self._dropped += 1
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify()

    def close(self, *, timeout_s: float = 1.0) -> None:
        """Write out what waits, as far as that goes within the time; later lines are dropped."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while batch := self._next():
            try:
                _write_all(self._descriptor, batch)
            except OSError:  # closed, or its reader is gone: there is nobody to tell
                self._count_lost(batch)

    def _next(self) -> bytes:
        """All that waits, with the count of what was lost in front; empty when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            lost, self._dropped = (self._dropped, 0) if self._waiting else (0, self._dropped)
            batch = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
        return f"{self._dropped_line(lost)}\n".encode() + batch if lost else batch

    def _count_lost(self, batch: bytes) -> None:
        with self._changed:
            self._dropped += batch.count(b"\n")


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
