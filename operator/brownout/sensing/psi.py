"""Pressure stall information: how much of the last 10 s some task waited for memory. It draws no conclusion."""

import errno
from pathlib import Path

# Kernels built without PSI have no such file; booted with psi=0 they have one that cannot be read. Both are normal.
_ABSENT = (errno.ENOENT, errno.EOPNOTSUPP)


def stall_percent(proc_root: str | Path = "/proc") -> float | None:
    """The "some" avg10 of memory, in percent; None where this kernel does not tell or tells something else.

    Raises OSError where it should be readable and is not.
    """
    try:
        text = (Path(proc_root) / "pressure" / "memory").read_text("ascii", errors="replace")
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    return _some_avg10(text)


def _some_avg10(text: str) -> float | None:
    for line in text.splitlines():
        kind, *pairs = line.split() or [""]
        if kind == "some":
            return _number(dict(pair.partition("=")[::2] for pair in pairs).get("avg10", ""))
    return None


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
