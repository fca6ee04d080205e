"""Modes and times of a plugin's own files: to change them does nothing, so that libraries that do go on. In the worker.

The kernel cannot be told to let these calls through for one folder alone, so seccomp refuses them for all. But Python's
own `shelve` and `shutil.copy` set a mode on each file that they make; in a folder that nobody else may enter, it means
nothing. Of any other file the call is made, and refused.
"""

import os
from collections.abc import Callable
from typing import Any

__all__ = ["spare_own_files"]


def spare_own_files(folder: str) -> None:
    """From now on `os.chmod` and `os.utime` pass over what lies in this folder."""
    os.chmod = _sparing(os.chmod, folder)
    os.utime = _sparing(os.utime, folder)


def _sparing(call: Callable[..., None], folder: str) -> Callable[..., None]:
    def spared(path: Any, *arguments: Any, **options: Any) -> None:
        if options.get("dir_fd") is not None or isinstance(path, int):
            call(path, *arguments, **options)
            return
        real = os.path.realpath(os.fsdecode(path))
        if not real.startswith(f"{folder}/") or not os.path.lexists(real):
            call(path, *arguments, **options)

    return spared
