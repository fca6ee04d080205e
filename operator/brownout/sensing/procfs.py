"""What /proc says of one process, as values. Anything that is gone, garbled or not ours to see is None.

It knows no trees and takes no decisions; `processes.py` does.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from brownout.engine.process_table import ProcessId
from brownout.sensing.kept_file import Buffer, KeptFile

_GONE_STATES = (b"Z", b"X", b"x")
_READ_BYTES = 131072  # an environment is seldom longer than a page
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """The line of /proc/PID/stat, as far as it concerns us."""

    id: ProcessId
    parent: int
    session: int
    live: bool


class ProcFs:
    """Reads below one root, which is /proc but for tests."""

    def __init__(self, root: str | Path = "/proc") -> None:
        self._root = str(root)

    def pids(self) -> Iterator[int]:
        """Every process that this user can see now."""
        try:
            names = os.listdir(self._root)  # noqa: PTH208 - a third of the time of making a Path of each
        except OSError:
            return
        yield from (int(name) for name in names if name.isdigit())

    def stat(self, pid: int) -> Stat | None:
        """Who it is and whose; None when there is no such process."""
        line = self._bytes(pid, "stat")
        # The name in parentheses can hold anything, spaces and parentheses too: what counts begins after the last one.
        fields = line[line.rfind(b")") + 1 :].split(None, 20) if line else []
        try:
            return _stat(pid, fields)
        except (ValueError, IndexError):
            return None

    def environment(self, pid: int, *, marked: bytes) -> Mapping[str, str] | None:
        """The environment that it was started with, if `marked` stands in it; else, or where it is not ours, None."""
        data = self._bytes(pid, "environ")
        if data is None or marked not in data:
            return None
        pairs = (entry.partition(b"=") for entry in data.split(b"\0") if b"=" in entry)
        return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}

    def memory_bytes(self, pid: int) -> int | None:
        """PSS, which counts shared pages once among all that share them; RSS where PSS cannot be read."""
        buffer = Buffer()
        try:
            KeptFile(Path(self._root, str(pid), "smaps_rollup")).read(buffer)
        except OSError:  # not our user's, or a kernel before 4.14
            return self._resident_bytes(pid)
        pss = buffer.number_after(b"Pss:")
        return self._resident_bytes(pid) if pss is None else pss

    def file_bytes(self, pid: int) -> int | None:
        """Of its PSS what is backed by files (mapped models, libraries); None where the kernel does not say."""
        buffer = Buffer()
        try:
            KeptFile(Path(self._root, str(pid), "smaps_rollup")).read(buffer)
        except OSError:
            return None
        return buffer.number_after(b"Pss_File:")

    def _resident_bytes(self, pid: int) -> int | None:
        words = (self._bytes(pid, "statm") or b"").split()
        return int(words[1]) * _PAGE_BYTES if len(words) > 1 and words[1].isdigit() else None

    def _bytes(self, pid: int, name: str) -> bytes | None:
        """Half the time of `Path.read_bytes`, which counts where each scan reads hundreds of files."""
        try:
            descriptor = os.open(f"{self._root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # gone, or not ours to read
            return None
        try:
            return b"".join(iter(lambda: os.read(descriptor, _READ_BYTES), b""))
        except OSError:
            return None
        finally:
            os.close(descriptor)


def _stat(pid: int, fields: list[bytes]) -> Stat:
    """Fields count from the state on (3 in proc(5)): 1 parent, 3 session, 17 threads, 19 start time in ticks."""
    # A process whose main thread has ended looks like a zombie while its other threads live and hold its memory.
    live = fields[0] not in _GONE_STATES or (fields[0] == b"Z" and int(fields[17]) > 1)
    return Stat(id=ProcessId(pid, int(fields[19])), parent=int(fields[1]), session=int(fields[3]), live=live)
