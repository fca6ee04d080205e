"""Files that are either old or new, never half, and folders that only their owner can look into.

A file is written beside its place, forced to the disk, and renamed over it; the folder is forced too, or a power
cut may bring the old name back. It knows nothing of what is in the files.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

__all__ = ["FILE_MODE", "file_stem", "private_folder", "remove", "replace"]

FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_LONGEST_STEM: Final = 220


def file_stem(name: str) -> str:
    """An object's name as part of a file's: that may have 255 bytes, an object's 253, and we add a suffix.

    A namespace may stand before it, `home/voice`; none holds a dot, so `home.voice` is the file of no other one.
    """
    name = name.replace("/", ".")
    if len(name) <= _LONGEST_STEM:
        return name
    return f"{name[:_LONGEST_STEM]}_{sha256(name.encode()).hexdigest()[:16]}"


def private_folder(path: Path) -> Path:
    """Make the folder, for its owner alone, if it is missing. One that is there keeps its mode. Raises OSError."""
    if not path.is_dir():
        path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    return path


def replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Put `content` in the place of `path`. Raises OSError, and then the old content stands.

    `durable` False leaves it to the kernel when it reaches the disk: right for what is written again soon.
    """
    private_folder(path.parent)
    beside = path.with_name(f".{path.name}.new")
    try:
        _write(beside, content, durable=durable)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    if durable:
        _force_folder(path.parent)


def remove(path: Path) -> None:
    """Take a file away; one that is not there is no fault. Raises OSError otherwise."""
    path.unlink(missing_ok=True)


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    # O_TRUNC, not O_EXCL: what a killed controller left here is ours, and the lock says that nobody else writes.
    # O_NOFOLLOW: a link planted here must not lead the content elsewhere.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def _force_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
