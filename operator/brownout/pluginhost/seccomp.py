"""seccomp: the system calls that a plugin has no business with are refused. Runs in the worker, needs no root.

A list of what is refused and not of what is allowed: Python with any library makes too many calls to list, and a list
that is too short breaks plugins at a distance. What matters is on it: tracing, mounting, namespaces, keys, modules,
other processes' limits, modes and owners of files, sockets that were not declared, leaving the process group, and, for
a plugin that declares no program, any new process at all.

By hand and not by libseccomp, whose binding would have to be installed where the worker sees no packages.
Numbers from asm/unistd.h; the program is classic BPF, see seccomp(2).
"""

import ctypes
import os
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["machine", "program", "restrict"]

_X86, _ARM = "x86_64", "aarch64"
_AUDIT: Final = {_X86: 0xC000003E, _ARM: 0xC00000B7}

#: Refused whatever the arguments: number on x86_64 and on aarch64; None where it does not exist.
REFUSED: Final[Mapping[str, tuple[int | None, int | None]]] = {
    # looking into others and steering them
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "perf_event_open": (298, 241),
    # what Landlock leaves open of a file by its path: its mode, owner, times and attributes, watching it, and, before
    # Linux 6.2, its length (`ftruncate` of what is open is another call)
    "truncate": (76, 45),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "file_setattr": (469, 469), "inotify_add_watch": (254, 27),
    # leaving the group that is ended as one
    "setsid": (112, 157), "setpgid": (109, 154),
    # another view of the machine
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # the kernel itself
    "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "userfaultfd": (323, 282), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58), "personality": (135, 92),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    # around the rules for files and sockets
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # memory that belongs to no process
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "mq_open": (240, 180),
}  # fmt: skip
#: Refused as well where no program is declared.
OF_PROGRAMS: Final = {"fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281)}
#: Refused as well where no port to listen on is declared: Landlock rules over `bind`, and who listens without it is
#: given a port by the kernel, open to everybody.
OF_LISTENERS: Final = {"listen": (50, 201)}
#: Looked at by their arguments.
LOOKED_AT: Final[Mapping[str, tuple[int, int]]] = {
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "socketpair": (53, 199), "prctl": (157, 167),
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "sendto": (44, 206), "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
}  # fmt: skip

_LOAD, _AND, _EQUAL, _HAS_BIT, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x06
_AT_LEAST: Final = 0x35
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS, _NO_FAMILY = 1, 38, 97
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32: Final = 0x40000000

_THREAD: Final = 0x00010000
_NEW_NAMESPACES: Final = 0x7E020000
_UNIX, _INET, _INET6 = 1, 2, 10
_STREAM, _DATAGRAM, _KIND_MASK = 1, 2, 0xF
_PROTOCOLS: Final = (0, 6, 17)  # whatever fits, TCP, UDP: MPTCP and the like escape the rules for ports
_FAST_OPEN: Final = 0x20000000  # connects without `connect`
_PDEATHSIG, _DUMPABLE = 1, 4
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

Line = tuple[int, int, int, int]
_libc: Final = ctypes.CDLL(None, use_errno=True)


def machine() -> str:
    """The architecture, where we know its numbers; empty otherwise."""
    name = os.uname().machine
    return name if name in _AUDIT else ""


def restrict(confinement: Mapping[str, Any]) -> None:
    """Put the filter in place, for ever. Raises OSError. The caller must have a single thread and no_new_privs."""
    name = machine()
    if not name:
        raise OSError(0, f"no numbers of system calls are known for {os.uname().machine}")
    lines = program(
        name,
        fork=bool(confinement["execute"]),
        network=confinement["network"],
        udp=confinement["resolve"],
        listen=bool(confinement["listen"]),
    )
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(buffer)))
    if _libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, head, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def program(name: str, *, fork: bool, network: bool, udp: bool, listen: bool) -> list[Line]:
    """The filter for an architecture."""
    at = 0 if name == _X86 else 1
    refused = {**REFUSED, **({} if fork else OF_PROGRAMS), **({} if listen else OF_LISTENERS)}
    numbers = [number for both in refused.values() if (number := both[at]) is not None]
    lines: list[Line] = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, _AUDIT[name]), _returns(_KILL)]
    lines += [(_LOAD, 0, 0, _NUMBER_AT)]
    lines += [(_AT_LEAST, 0, 1, _X32), _refuses(_ENOSYS)] if name == _X86 else []
    for number in numbers:
        lines += [(_EQUAL, 0, 1, number), _refuses(_EPERM)]
    for call, block in _blocks(fork=fork, network=network, udp=udp).items():
        lines += [(_EQUAL, 0, len(block) + 1, LOOKED_AT[call][at]), *block, _returns(_ALLOW)]
    return [*lines, _returns(_ALLOW)]


def _blocks(*, fork: bool, network: bool, udp: bool) -> dict[str, list[Line]]:
    """What is asked of the arguments of a call; who comes to the end of the block is allowed."""
    families = (_INET, _INET6) if network else ()
    kinds = (_STREAM, _DATAGRAM) if udp else (_STREAM,)
    own = _only(0, (0,), _EPERM)
    return {
        "clone": [*_without(0, _NEW_NAMESPACES), *(() if fork else _with(0, _THREAD))],
        "clone3": [_refuses(_ENOSYS)],  # its flags lie in memory where no filter can look; glibc falls back to clone
        "socket": [
            *_only(0, families, _NO_FAMILY),
            *_only(1, kinds, _EPERM, mask=_KIND_MASK),
            *_only(2, _PROTOCOLS, _EPERM),
        ],
        "socketpair": _only(0, (_UNIX,), _NO_FAMILY),
        "prctl": _not(0, (_PDEATHSIG, _DUMPABLE)),
        **dict.fromkeys(("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam"), own),
        "sched_setattr": own,
        "sendto": _without(3, _FAST_OPEN),
        "sendmsg": _without(2, _FAST_OPEN),
        "sendmmsg": _without(3, _FAST_OPEN),
    }


def _only(argument: int, values: Iterable[int], error: int, *, mask: int = 0) -> list[Line]:
    """Refuse unless an argument is one of these."""
    listed = tuple(values)
    jumps = [(_EQUAL, len(listed) - at, 0, value) for at, value in enumerate(listed)]
    return [*_loaded(argument, mask), *jumps, _refuses(error)]


def _not(argument: int, values: Iterable[int]) -> list[Line]:
    """Refuse where an argument is one of these."""
    checks = ([(_EQUAL, 0, 1, value), _refuses(_EPERM)] for value in values)
    return [*_loaded(argument, 0), *(line for check in checks for line in check)]


def _without(argument: int, bits: int) -> list[Line]:
    """Refuse where an argument has any of these bits."""
    return [*_loaded(argument, 0), (_HAS_BIT, 0, 1, bits), _refuses(_EPERM)]


def _with(argument: int, bits: int) -> list[Line]:
    """Refuse where an argument has none of these bits."""
    return [*_loaded(argument, 0), (_HAS_BIT, 1, 0, bits), _refuses(_EPERM)]


def _loaded(argument: int, mask: int) -> list[Line]:
    """Load the low half of an argument, which is all of it for an int (both machines are little-endian)."""
    load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
    return [load, (_AND, 0, 0, mask)] if mask else [load]


def _returns(action: int) -> Line:
    return (_RETURN, 0, 0, action)


def _refuses(error: int) -> Line:
    return (_RETURN, 0, 0, _REFUSE | error)
