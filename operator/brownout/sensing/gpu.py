"""The GPUs of this machine, as far as their drivers' tools and files tell: NVIDIA's and AMD's.

Unknown is not absent: where a tool is there but does not answer, nobody knows whether there is a GPU.
"""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MIB: Final = 2**20
_QUERY: Final = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")
_NONE_FOUND: Final = "No devices were found"
_VRAM: Final = "card*/device/mem_info_vram_total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """Whether there is any, and the memory of the largest. None: not known."""

    present: bool | None
    memory_bytes: int | None = None


ABSENT: Final = Gpus(present=False)
UNKNOWN: Final = Gpus(present=None)


def together(found: Iterable[Gpus]) -> Gpus:
    """The GPUs of several makers: any that is there is there, and the largest is known only where all are."""
    each = tuple(found)
    present = True if any(gpus.present for gpus in each) else None if UNKNOWN in each else False
    sizes = [gpus.memory_bytes for gpus in each if gpus.present is not False]
    known = [size for size in sizes if size is not None]
    return Gpus(present=present, memory_bytes=max(known) if known and len(known) == len(sizes) else None)


def nvidia(program: str | None, *, proc_root: Path, timeout_s: float) -> Gpus:
    """What `nvidia-smi` says; without it, what its driver shows in /proc, which tells no memory.

    Raises OSError where the tool cannot be run, TimeoutExpired where it does not answer in time (it is ended then),
    CalledProcessError where it fails.
    """
    if program is None:
        return _driver(proc_root)
    answer = subprocess.run(  # noqa: S603 - our own argv; the program is the system's
        [program, *_QUERY],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    said = answer.stdout.decode(errors="replace")
    if _NONE_FOUND in said:
        return ABSENT
    answer.check_returncode()
    return together(_nvidia_line(line) for line in said.splitlines() if line.strip())


def _nvidia_line(line: str) -> Gpus:
    """One GPU: its memory in MiB, or `[N/A]` where it shares the machine's."""
    word = line.strip()
    return Gpus(present=True, memory_bytes=int(word) * _MIB if word.isascii() and word.isdigit() else None)


def _driver(proc_root: Path) -> Gpus:
    try:
        return Gpus(present=any((proc_root / "driver" / "nvidia" / "gpus").iterdir()))
    except FileNotFoundError:
        return ABSENT


def amd(sys_root: Path) -> Gpus:
    """What the driver shows in /sys. Raises OSError where it cannot be read."""
    return together(_amd_card(path) for path in sorted((sys_root / "class" / "drm").glob(_VRAM)))


def _amd_card(path: Path) -> Gpus:
    word = path.read_text("ascii", errors="replace").strip()
    return Gpus(present=True, memory_bytes=int(word) if word.isdigit() else None)
