"""Patience that several callers share and that the most urgent of them ends.

A graceful stop of 60 s and an emergency's stop of 1 s wait for the same pods; both return when the shorter wait is
over.
"""

import asyncio
from contextlib import suppress

from brownout.core.instant import Instant
from brownout.engine.ports import Clock

__all__ = ["Patience"]


class Patience:
    """How long is waited, by all who wait for one thing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deadline: Instant | None = None
        self._shortened = asyncio.Event()
        self._waiting = 0

    def shorten(self, grace_s: float) -> None:
        """Another one waits, for at most `grace_s`; it only ever makes the wait shorter. Ends with `leave`."""
        self._waiting += 1
        deadline = self._clock.now() + grace_s
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline
            self._shortened.set()

    def leave(self) -> bool:
        """One has stopped waiting; whether it was the last."""
        self._waiting -= 1
        return self._waiting == 0

    @property
    def left_s(self) -> float:
        """What is left of the wait."""
        return 0.0 if self._deadline is None else max(0.0, self._deadline - self._clock.now())

    async def pause(self, at_most_s: float) -> None:
        """Wait a little, and less when somebody becomes more urgent."""
        self._shortened.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(at_most_s, self.left_s)):
                await self._shortened.wait()
