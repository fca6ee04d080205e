"""How many requests a plugin is given at once, and how many wait. Everybody else is refused at once.

While the gate is shut (a level changes, a version is exchanged) nobody is let in and nobody is lost: who waits, waits.
"""

import asyncio
from collections import deque
from enum import StrEnum

__all__ = ["Entry", "Gate"]


class Entry(StrEnum):
    """What came of asking to be let in."""

    IN = "in"
    FULL = "full"
    LATE = "late"


class Gate:
    """First come, first served. Whoever was let in must `leave`."""

    def __init__(self, *, hands: int, queue: int) -> None:
        self.hands = hands
        self.queue = queue
        self._in_hand = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._shut = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_hand(self) -> int:
        """Requests that the plugin has now."""
        return self._in_hand

    @property
    def waiting(self) -> int:
        """Requests that wait to be let in."""
        return len(self._waiting)

    async def enter(self, *, within_s: float) -> Entry:
        """Wait for a free hand, unless too many wait already."""
        if self._free():
            self._take()
            return Entry.IN
        if len(self._waiting) >= self.queue:
            return Entry.FULL
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(within_s):
                await turn
        except TimeoutError:
            return self._withdraw(turn)
        except asyncio.CancelledError:
            if self._withdraw(turn) is Entry.IN:
                self.leave()
            raise
        return Entry.IN

    def leave(self) -> None:
        """A request has been answered."""
        self._in_hand -= 1
        if not self._in_hand:
            self._idle.set()
        self._let_in()

    def shut(self) -> None:
        """Let nobody in. May be shut several times, and is then to be opened as often."""
        self._shut += 1

    def open(self) -> None:
        """Let them in again."""
        self._shut -= 1
        self._let_in()

    def resize(self, *, hands: int, queue: int) -> None:
        """Other limits from now on."""
        self.hands, self.queue = hands, queue
        self._let_in()

    async def until_idle(self) -> None:
        """Return when no request is in hand."""
        await self._idle.wait()

    def _free(self) -> bool:
        return not self._shut and not self._waiting and self._in_hand < self.hands

    def _take(self) -> None:
        self._in_hand += 1
        self._idle.clear()

    def _let_in(self) -> None:
        while self._waiting and not self._shut and self._in_hand < self.hands:
            turn = self._waiting.popleft()
            if not turn.done():
                self._take()
                turn.set_result(None)

    def _withdraw(self, turn: "asyncio.Future[None]") -> Entry:
        """Give up waiting, unless the turn came in the same moment."""
        if turn.done() and not turn.cancelled():
            return Entry.IN
        if turn in self._waiting:
            self._waiting.remove(turn)
        return Entry.LATE
