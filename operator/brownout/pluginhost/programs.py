"""The programs that a plugin declares, as files: itself, whoever reads its first line, and the loader of libraries."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["runnable"]

_LOADERS: Final = ("/lib64/ld-*.so*", "/lib/ld-*.so*", "/lib/*-linux-gnu/ld-*.so*")
_LONGEST_LINE: Final = 256


def runnable(programs: Iterable[str]) -> list[str]:
    """The files that must be executable for these programs to run; none, where none is declared or installed."""
    found = [os.path.realpath(path) for program in programs if (path := shutil.which(program))]
    readers = [reader for path in found if (reader := _reader(path))]
    if not found:
        return []
    loaders = {os.path.realpath(path) for pattern in _LOADERS for path in Path("/").glob(pattern.lstrip("/"))}
    return list(dict.fromkeys([*found, *readers, *sorted(loaders)]))


def _reader(path: str) -> str:
    """Who runs a script, as its first line says; empty for a program of machine code."""
    try:
        with Path(path).open("rb") as file:
            line = file.readline(_LONGEST_LINE)
    except OSError:
        return ""
    words = line[2:].decode(errors="replace").split() if line.startswith(b"#!") else []
    if not words:
        return ""
    named = words[1] if Path(words[0]).name == "env" and len(words) > 1 else words[0]
    return os.path.realpath(shutil.which(named) or named)
