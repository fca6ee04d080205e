"""The three streams of the program, also where somebody started it without them (`>&-`, a bare supervisor).

A descriptor that is closed would be taken by the next file that is opened, and Python's stream of it is None.
"""

import os
import sys
from contextlib import suppress
from typing import TextIO

from brownout.core.errors import HomeUnavailable

__all__ = ["flush", "let_go", "stand_in"]


def stand_in() -> None:
    """Give the null device to each of the three that is closed; what we become or start inherits it."""
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free is this one
    sys.stdout = sys.stdout or _unheard(1)
    sys.stderr = sys.stderr or _unheard(2)


def flush() -> None:
    """Write what was printed, where somebody listens to what becomes of it. Raises HomeUnavailable, BrokenPipeError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise HomeUnavailable(f"what was to be printed cannot be written: {error.strerror}") from None


def let_go() -> None:
    """Drop what cannot be written: the interpreter would try again at its end, with an exit code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_open(descriptor: int) -> bool:
    with suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def _unheard(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)
