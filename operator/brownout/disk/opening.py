"""One file of the directory into bytes: a regular file, inside the directory, trusted, and no larger than 1 MiB.

Anything else is one problem, found without waiting: a FIFO is never opened, a device never touched, /dev/zero never
read.
"""

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from brownout.api.problems import Fault, Problem
from brownout.disk.ownership import distrust

__all__ = ["FileText", "Root", "read_file", "refused"]

_MOST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Root:
    """The watched directory: its real path, and whose it is."""

    path: str
    owner: int

    def holds(self, real: str) -> bool:
        """Whether a real path lies in it."""
        return os.path.commonpath((self.path, real)) == self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """One file as it was read: its path within the directory, and its bytes or the problem in the way.

    `digest` tells two contents apart; a problem is a content too.
    """

    path: str
    digest: str
    content: bytes = b""
    problem: Problem | None = None


def refused(path: str, why: str) -> FileText:
    """A file that is not read; `why` follows its name."""
    problem = Problem(file=path, allowed=why, fault=Fault.UNREADABLE)
    return FileText(path=path, digest=f"problem: {why}", problem=problem)


def read_file(root: Root, path: str) -> FileText:
    """Read the file at a path within the directory."""
    try:
        real = os.path.realpath(Path(root.path, path), strict=True)
        if not root.holds(real):
            return refused(path, "is a link that leads out of the folder")
        # Looked at before it is opened: opening a device can do things, and opening a FIFO can wait for ever.
        if not stat.S_ISREG(Path(real).stat().st_mode):
            return refused(path, "is not a regular file")
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        return refused(path, f"cannot be read: {error.strerror}")
    try:
        return _read(root, fd, path)
    except OSError as error:
        return refused(path, f"cannot be read: {error.strerror}")
    finally:
        os.close(fd)


def _read(root: Root, fd: int, path: str) -> FileText:
    found = os.fstat(fd)
    # Checked on what is open: a link or a folder may have been changed between the look and the opening.
    if not stat.S_ISREG(found.st_mode) or not root.holds(os.path.realpath(f"/proc/self/fd/{fd}")):
        return refused(path, "was exchanged while it was opened")
    if wrong := distrust(found, root.owner):
        return refused(path, wrong)
    content = _content(fd)
    if len(content) > _MOST_BYTES:
        return refused(path, "is larger than 1 MiB")
    return FileText(path=path, digest=sha256(content).hexdigest(), content=content)


def _content(fd: int) -> bytes:
    """At most one byte more than is allowed: a file may grow while it is read."""
    pieces = []
    left = _MOST_BYTES + 1
    while left and (piece := os.read(fd, left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
