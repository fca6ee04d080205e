"""What a worker does to itself before it meets the plugin. Runs in the worker, in its first lines.

In the child and not between fork and exec: there, in a process with threads, only what POSIX lists may be called. Each
measure is taken or not, and what the kernel said is reported; the host decides what that is worth.
"""

import ctypes
import os
import resource
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["MEASURES", "confine", "die_with_the_host"]

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_SIGKILL: Final = 9

Confinement = Mapping[str, Any]
libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with_the_host() -> None:
    """Be killed when the thread that started us ends, which lives as long as the host.

    If the host has gone already, the signal does not come; but then the socket is at its end, and we end at the first
    reading.
    """
    prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def confine(confinement: Confinement) -> dict[str, str]:
    """Take every measure; by name what went wrong with it, empty where nothing did."""
    return {name: _tried(measure, confinement) for name, measure in MEASURES.items()}


def _tried(measure: Callable[[Confinement], None], confinement: Confinement) -> str:
    try:
        measure(confinement)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def prctl(option: int, value: int, third: int = 0) -> None:
    """Call prctl. Raises OSError."""
    if libc.prctl(option, value, third, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _no_new_privileges(_: Confinement) -> None:
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _no_core_files(_: Confinement) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _memory(confinement: Confinement) -> None:
    """What it may write to privately. Libraries and model files that are mapped to be read take no memory of ours."""
    limit = confinement["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _cpu(confinement: Confinement) -> None:
    """Ended by SIGXCPU; a second later, where that is ignored, by SIGKILL."""
    limit = max(1, round(confinement["cpu_s"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))


def _open_files(confinement: Confinement) -> None:
    limit = confinement["open_files"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _processes(confinement: Confinement) -> None:
    limit = confinement["processes"]
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))


#: What is done, in this order.
MEASURES: Final[Mapping[str, Callable[[Confinement], None]]] = {
    "no_new_privileges": _no_new_privileges,
    "no_core_files": _no_core_files,
    "memory": _memory,
    "cpu": _cpu,
    "open_files": _open_files,
    "processes": _processes,
}
