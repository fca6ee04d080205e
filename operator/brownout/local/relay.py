"""Signals that somebody sends to a wrapper, passed on to the program that it wraps.

Ctrl-C goes from the terminal to the whole foreground group: the program has it already, and must not get it twice. A
`kill` goes to us alone. The kernel tells the two apart in the signal's code, which only sigwaitinfo shows: so the
signals are held back, and a thread takes them one by one.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Final

__all__ = ["PASSED_ON", "hold_back", "relay"]

#: All that a person or a supervisor sends to end, reload or poke a program. Not SIGTSTP: a stop is for the group.
PASSED_ON: Final = frozenset(
    {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM}
)


def hold_back() -> None:
    """Let the signals wait until somebody takes them: from here on none of them ends us."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)


def relay(take: Callable[[signal.Signals, bool], None]) -> None:
    """Call `take` on this event loop with each signal, and whether the kernel sent it to the program as well."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants them any more
            while True:
                found = signal.sigwaitinfo(PASSED_ON)
                from_terminal = found.si_code > 0  # SI_KERNEL; SI_USER, SI_QUEUE and SI_TKILL are not above 0
                loop.call_soon_threadsafe(take, signal.Signals(found.si_signo), from_terminal)

    Thread(target=wait, name="brownout-signals", daemon=True).start()
