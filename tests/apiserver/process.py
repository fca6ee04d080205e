"""Children of the tests: started in a group of their own, paused, killed, and never left behind.

A child is tied to this process by the kernel (leash.py), so it ends even when the test run is killed. It does not
know what its children are for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")

# The kernel ends a leashed child when the *thread* that started it ends, so one thread, which lives as long as the
# interpreter, starts them all: a child started from a test's short-lived thread would die with that thread.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Child:
    """One program that can be started again after its end, with its output in a log file."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self.argv = tuple(argv)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; RuntimeError where nothing was started."""
        if self._process is None:
            raise RuntimeError(f"{self.argv[0]} was not started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        """Whether it lives (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it; RuntimeError if it runs already."""
        if self.running:
            raise RuntimeError(f"{self.argv[0]} runs already, pid {self.pid}")
        self._process = _SPAWNER.submit(self._spawn).result()

    def kill(self) -> None:
        """Ends it at once, as an outage does, and waits for its exit; nothing happens if it has ended."""
        if self._process is not None:
            if self.running:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def pause(self) -> None:
        """Stops it in its tracks: its sockets stay open and nobody answers on them."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused one go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def _spawn(self) -> subprocess.Popen[bytes]:
        leashed = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self.argv]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                leashed, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
