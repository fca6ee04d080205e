"""Becomes the program given, after it has asked the kernel to be killed when its parent ends.

Run as a script: `leash.py PARENT_PID PROGRAM ARGUMENT…`. The process id stays the same through exec, so the parent
signals the program itself. This is done here and not in a `preexec_fn`, which is unsafe where there are threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    """Never returns: either the program runs in our place, or the parent was already gone."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we were tied to it
        sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
