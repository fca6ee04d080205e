"""Landlock: the process gives up every file, TCP port and signal that is not listed. Runs in the worker, needs no root.

Three system calls. There are bindings on the package index, young and each by one person; the worker sees no installed
package before it is confined, and what confines strangers' code should be read in one sitting.
See landlock(7); numbers from linux/landlock.h.
"""

import ctypes
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["abi", "restrict"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION: Final = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
_READ: Final = _READ_FILE | _READ_DIR
#: What a rule on something that is no folder may allow.
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
#: How many of the rights on files each version of the ABI knows: 13 of the first, then refer, truncate, ioctl.
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("ports", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Path(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """The version that the kernel speaks: 1 files, 4 also TCP ports, 6 also signals; 0 where it has none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def restrict(confinement: Mapping[str, Any], version: int, public: Iterable[str]) -> None:
    """Give up all but what is listed, for ever. `public` is what everybody may read. Raises OSError.

    The caller must have a single thread and no_new_privs.
    """
    handled = (1 << _RIGHTS.get(version, 16)) - 1
    ports = _BIND_TCP | _CONNECT_TCP if version >= 4 else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0
    ruleset = _Ruleset(handled, ports, scoped)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _called(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    try:
        for path in public:
            _allow(rules, path, _READ & handled)
        for path in confinement["read"]:
            _allow(rules, path, _READ & handled)
        for path in (confinement["folder"], *confinement["write"], *confinement["devices"]):
            _allow(rules, path, handled & ~_EXECUTE)
        for path in confinement["execute"]:
            _allow(rules, path, (_EXECUTE | _READ) & handled)
        for allowed, listed in ((_BIND_TCP, confinement["listen"]), (_CONNECT_TCP, confinement["connect"])):
            for port in listed if ports else ():
                _called(_ADD_RULE, rules, _NET_PORT, ctypes.byref(_Port(allowed, port)), 0)
        _called(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow something below a path; one that is not there needs no rule."""
    try:
        found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = rights if os.path.isdir(path) else rights & _OF_FILES  # noqa: PTH112 - pathlib takes 0.9 MB
        _called(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_Path(rights, found)), 0)
    finally:
        os.close(found)


def _called(number: int, *arguments: Any) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
