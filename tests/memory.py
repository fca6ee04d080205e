"""Memory that is really taken, by a process of its own that goes when the block ends, and how much is in use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from brownout.api.policy import Scope
from brownout.sensing.memory import MemoryReader, Unreadable

MIB = 2**20

_HOG = (
    "import signal, sys\nheld = bytearray(int(sys.argv[1]))\nheld[::4096] = b'x' * len(held[::4096])\nsignal.pause()\n"
)


@contextmanager
def hog(size_bytes: int) -> Iterator[int]:
    """Hold so many bytes; gives the pid."""
    process = subprocess.Popen([sys.executable, "-I", "-c", _HOG, str(size_bytes)])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def used_bytes() -> int:
    """What is in use on this machine, as the controller reads it."""
    reading = MemoryReader().read(scope=Scope.NODE, budget_bytes=None)
    assert not isinstance(reading, Unreadable), reading
    return reading.used_bytes
