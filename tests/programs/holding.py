"""A program that holds as much real memory as a file says, for as long as it lives.

holding.py FILE START_S MOST_BYTES

FILE holds a number of bytes and may be written anew at any time; the interpreter's own memory is part of it. At first
the program starts: for START_S, and until it has all of its memory, it serves nothing. FILE.said tells in a word what
it does, and its pid. It ends on SIGTERM, and with the process that started it.
"""

import mmap
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PAGE = mmap.PAGESIZE
# Taken and given back in pieces of a huge page: one fault in place of 512, so that a burst comes within 0.1 s.
PIECE = 2 * 2**20
# Taken at once at most; then the file is read again. A virtual machine may have to fetch each page from its host.
MOST_AT_ONCE = 16 * PIECE
LOOK_S = 0.02


class Held:
    """One private mapping, of which the first `bytes` are really there."""

    def __init__(self, most_bytes: int) -> None:
        self._memory = mmap.mmap(-1, most_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel without huge pages knows no such advice
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._most = most_bytes
        self._bytes = 0

    def hold(self, wanted: int) -> bool:
        """Touch what is missing, or the first of it; give back what is too much. Says whether more is missing."""
        wanted = max(0, min(round(wanted / PIECE) * PIECE, self._most, self._bytes + MOST_AT_ONCE))
        if wanted > self._bytes:
            self._memory[self._bytes : wanted : PAGE] = b"x" * ((wanted - self._bytes) // PAGE)
        elif wanted < self._bytes:
            self._memory.madvise(mmap.MADV_DONTNEED, wanted, self._bytes - wanted)
        grew, self._bytes = wanted >= self._bytes + MOST_AT_ONCE, wanted
        return grew


def own_bytes() -> int:
    """What the interpreter holds by itself: its share of memory, as a controller measures it."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def say(file: str, word: str) -> None:
    """Whole at once: who reads the file reads all of it."""
    beside = Path(f"{file}.{os.getpid()}")
    beside.write_text(f"{word} {os.getpid()}\n", encoding="ascii")
    beside.replace(f"{file}.said")


def main(file: str, start_s: float, most_bytes: int) -> None:
    """Hold what the file says; serve after the start; end when nobody is there any more."""
    parent, own, held = os.getppid(), own_bytes(), Held(most_bytes)
    serves_at, said = time.monotonic() + start_s, False
    say(file, "starting")
    while os.getppid() == parent:
        more = False
        with suppress(ValueError):  # caught while it was being written
            more = held.hold(int(Path(file).read_text(encoding="ascii")) - own)
        if not said and not more and time.monotonic() >= serves_at:
            say(file, "serving")
            said = True
        signal.sigtimedwait([], 0.0 if more else LOOK_S)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
