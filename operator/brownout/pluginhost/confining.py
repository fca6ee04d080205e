"""What a worker does to itself before it meets the plugin. Runs in the worker, in its first lines.

In the child and not between fork and exec: there, in a process with threads, only what POSIX lists may be called. Each
measure is taken or not, and what the kernel said is reported; the host decides what that is worth.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from brownout.pluginhost import landlock, seccomp

__all__ = ["MEASURES", "SLACK_BYTES", "confine", "die_with_the_host"]

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION: Final = 0x20080522
_MOST_CAPABILITIES: Final = 64
_NEW_IPC, _NEW_USER, _NEW_NET = 0x08000000, 0x10000000, 0x40000000
_SIGKILL: Final = 9

#: The user namespace that we were started in.
_OWN_USERS: Final = "/proc/self/ns/user"
_USERS: Final = os.readlink(_OWN_USERS)  # noqa: PTH115
#: What the address space may grow by beyond the limit of memory: arenas of the allocator, libraries, mapped models.
SLACK_BYTES: Final = 512 * 2**20

Confinement = Mapping[str, Any]
libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with_the_host() -> None:
    """Be killed when the thread that started us ends, which lives as long as the host.

    If the host has gone already, the signal does not come; but then the socket is at its end, and we end at the first
    reading.
    """
    prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def confine(confinement: Confinement) -> dict[str, Any]:
    """Take every measure. Reports what went wrong, by the name of the measure, and the version of Landlock."""
    failed = {name: why for name, measure in MEASURES.items() if (why := _tried(measure, confinement))}
    return {"failed": failed, "landlock": landlock.abi(), "root": os.geteuid() == 0}


def _tried(measure: Callable[[Confinement], None], confinement: Confinement) -> str:
    try:
        measure(confinement)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def prctl(option: int, value: int, third: int = 0) -> None:
    """Call prctl. Raises OSError."""
    _checked(libc.prctl(option, value, third, 0, 0))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _no_new_privileges(_: Confinement) -> None:
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _no_core_files(_: Confinement) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _memory(confinement: Confinement) -> None:
    """What it may write to privately; and, where no control group counts what is shared, its whole address space.

    Libraries and models that are mapped to be read take no memory of ours, but address space: hence the slack.
    """
    limit = confinement["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if confinement["grouped"]:
        return
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib takes 0.9 MB
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + limit + SLACK_BYTES, mapped + limit + SLACK_BYTES))


def _cpu(confinement: Confinement) -> None:
    """Ended by SIGXCPU; a second later, where that is ignored, by SIGKILL."""
    limit = max(1, round(confinement["cpu_s"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))


def _open_files(confinement: Confinement) -> None:
    limit = confinement["open_files"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _file_size(confinement: Confinement) -> None:
    """Of any file that it writes, wherever. Python ignores SIGXFSZ: to a plugin it is an OSError."""
    limit = confinement["file_bytes"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def _processes(confinement: Confinement) -> None:
    """Counted by user; in a user namespace of its own that is this plugin alone. Root is not held to it.

    Without a namespace the user's other processes would count too, and a plugin could not even start a thread.
    """
    if os.geteuid() == 0:
        raise OSError(0, "the kernel does not count the processes of root")
    if os.readlink(_OWN_USERS) == _USERS:  # noqa: PTH115 - pathlib takes 0.9 MB
        raise OSError(0, "its user's other processes would count too")
    limit = confinement["processes"]
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))


def _namespaces(confinement: Confinement) -> None:
    """A network without a way out for who declares none, and no shared memory with anybody."""
    user, group = os.geteuid(), os.getegid()
    flags = _NEW_IPC | (0 if confinement["network"] else _NEW_NET) | (_NEW_USER if user else 0)
    _checked(libc.unshare(flags))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
                file.write(text)


def _capabilities(_: Confinement) -> None:
    """Whatever root may do more than others, or we in a namespace of our own, ends here."""
    for capability in range(_MOST_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # without the right to it there is nothing to drop
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _checked(libc.capset(head, (ctypes.c_uint32 * 6)()))
    prctl(_PR_SET_DUMPABLE, 1)  # a namespace took it; without it a host that is not root could not measure us


def _landlock(confinement: Confinement) -> None:
    version = landlock.abi()
    if not version:
        raise OSError(0, "this kernel has no Landlock")
    landlock.restrict(confinement, version, public_paths(confinement))


def public_paths(confinement: Confinement) -> list[str]:
    """What Python needs to be Python: its libraries, those of the system, and some facts that are nobody's secret."""
    library = os.__file__.rpartition("/")[0]
    online = ["/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/etc/resolv.conf", "/etc/hosts"]
    online += ["/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols"]
    return [
        *(library, f"{sys.base_prefix}/lib", f"{sys.base_exec_prefix}/lib"),
        *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
        *("/usr/share/zoneinfo", "/etc/localtime", "/usr/share/locale", "/dev/urandom", "/dev/random", "/dev/zero"),
        *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
        *(online if confinement["network"] else ()),
        *(("/usr/share",) if confinement["execute"] else ()),
    ]


#: What is done, in this order.
MEASURES: Final[Mapping[str, Callable[[Confinement], None]]] = {
    "no_new_privileges": _no_new_privileges,
    "no_core_files": _no_core_files,
    "memory": _memory,
    "cpu": _cpu,
    "open_files": _open_files,
    "file_size": _file_size,
    "namespaces": _namespaces,
    "processes": _processes,
    "capabilities": _capabilities,
    "landlock": _landlock,
    "system_calls": seccomp.restrict,
}
