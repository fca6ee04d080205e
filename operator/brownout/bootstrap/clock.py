"""The real clock: wall time that never jumps.

It is read once at the start and then follows CLOCK_BOOTTIME, so that neither NTP nor a user who sets the time can
stretch a stabilization period or end it early, and time spent in suspend counts. After a jump of the wall clock our
times are off by that jump until the next start; that shows in timestamps only.
"""

import time


class SteadyClock:
    """Unix seconds, UTC, never decreasing."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    def now(self) -> float:
        """Now."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._offset_s
