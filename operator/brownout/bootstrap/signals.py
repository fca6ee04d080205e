"""Signals: what the operating system, a supervisor or a person at the terminal asks of the controller.

Who was started with one of them ignored (`nohup`, a job of a script) keeps ignoring it. `brownout run` blocks them
until somebody listens: a Ctrl-C in the first second must not end in a traceback.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable

from brownout.bootstrap.console import Console
from brownout.bootstrap.settings import ENDING
from brownout.telemetry.logs import event

__all__ = ["Signals", "listened_to"]

_LOG = logging.getLogger("brownout.bootstrap")


class Signals:
    """`end` is set by the first signal, `now` by the second. `in_a_hurry` is what the second one calls for."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self.end = asyncio.Event()
        self.now = asyncio.Event()
        self.first: signal.Signals | None = None
        self.in_a_hurry: Callable[[], Awaitable[object]] = _nothing

    def install(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        for number in listened_to():
            loop.add_signal_handler(number, self._asked, number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    async def hurry(self) -> None:
        """Wait for the second signal, then take the grace from whatever is being ended."""
        await self.now.wait()
        await self.in_a_hurry()

    def _asked(self, number: int) -> None:
        (self.now if self.end.is_set() else self.end).set()
        self.first = self.first or signal.Signals(number)
        at_once = self.now.is_set()
        event(_LOG, logging.INFO, "ending", signal=signal.Signals(number).name, at_once=at_once)
        if self._console:
            self._console.ending(at_once=at_once)


def listened_to() -> Iterable[signal.Signals]:
    """Those that end us: all but what we were started to ignore. SIGTERM always does."""
    ignored = (each for each in ENDING if signal.getsignal(each) is signal.SIG_IGN and each is not signal.SIGTERM)
    return tuple(each for each in ENDING if each not in set(ignored))


async def _nothing() -> None:
    """Nothing runs yet."""
