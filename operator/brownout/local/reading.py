"""A directory of YAML files into texts, without being led astray, held up or filled up by what lies there.

Links are followed only within the directory (a mounted ConfigMap is made of links) and each file counts once, by
its real path. Hidden files and folders are passed over, and with them what editors leave behind, and so is the folder
of a plugin. Whatever else is in the way is one problem of that path. It knows nothing of YAML.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brownout.core.errors import HomeUnavailable
from brownout.disk.opening import FileText, Root, read_file, refused
from brownout.disk.ownership import distrust

__all__ = ["Reading", "read_directory"]

_MOST_FILES: Final = 10_000
_DEEPEST: Final = 32
_SUFFIXES: Final = (".yaml", ".yml")
#: A folder with this in it is a plugin's: what lies there is its own, and declares nothing.
_PLUGIN: Final = "plugin.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The directory at one moment. `identity` is the folder's own (device and inode): another one is another folder."""

    identity: tuple[int, int]
    files: tuple[FileText, ...] = ()

    @property
    def digests(self) -> Mapping[str, str]:
        """What each file holds, as a digest."""
        return {file.path: file.digest for file in self.files}


def read_directory(directory: Path, *, without: Path) -> Reading:
    """Read every YAML file under a directory, in the order of their paths; what lies under `without` is passed over.

    Blocks on the disk, but not on a FIFO or a device. Raises HomeUnavailable when there is no directory to be read.
    """
    try:
        root = os.path.realpath(directory, strict=True)
        found = Path(root).stat()
        walk = _Walk(Root(root, found.st_uid), os.path.realpath(without))
        files = sorted(walk.files(root, 0), key=lambda file: file.path)
    except OSError as error:
        raise HomeUnavailable(
            f"the directory {directory} cannot be read: {error.strerror}", advice="what it declared last goes on"
        ) from error
    return Reading(identity=(found.st_dev, found.st_ino), files=tuple(files))


class _Walk:
    """One walk through the directory. Remembers real paths, so that nothing counts twice and no loop is walked."""

    def __init__(self, root: Root, without: str) -> None:
        self._root = root
        self._without = without
        self._seen = {root.path}
        self._count = 0

    def files(self, folder: str, depth: int) -> Iterator[FileText]:
        """The files of a folder and of those below. Raises OSError where this very folder cannot be listed."""
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            if not entry.name.startswith(".") and os.path.realpath(entry.path) != self._without:
                yield from self._entry(entry, depth)

    def _entry(self, entry: "os.DirEntry[str]", depth: int) -> Iterator[FileText]:
        path = os.path.relpath(entry.path, self._root.path)
        declares = entry.name.endswith(_SUFFIXES)
        folder = Path(entry.path).is_dir()
        if not (declares or folder):
            return
        if not entry.name.isprintable():
            yield refused(path.encode("ascii", "backslashreplace").decode(), "has a name that cannot be written down")
        elif entry.is_symlink() and (wrong := self._astray(entry.path)):
            yield refused(path, wrong)
        elif self._first(entry.path):
            yield from self._folder(entry.path, path, depth + 1) if folder else self._file(path)

    def _file(self, path: str) -> Iterator[FileText]:
        self._count += 1
        if self._count <= _MOST_FILES:
            yield read_file(self._root, path)
        elif self._count == _MOST_FILES + 1:
            yield refused(path, f"and what follows is not read: there are more than {_MOST_FILES} files")

    def _folder(self, folder: str, path: str, depth: int) -> Iterator[FileText]:
        try:
            if wrong := distrust(Path(folder).stat(), self._root.owner):
                yield refused(path, wrong)
            elif depth > _DEEPEST:
                yield refused(path, f"lies more than {_DEEPEST} folders deep")
            elif not os.path.lexists(Path(folder, _PLUGIN)):
                yield from self.files(folder, depth)
        except OSError as error:
            yield refused(path, f"cannot be read: {error.strerror}")

    def _first(self, path: str) -> bool:
        real = os.path.realpath(path)
        first = real not in self._seen
        self._seen.add(real)
        return first

    def _astray(self, link: str) -> str:
        """Why a link cannot be followed; empty where it can."""
        try:
            target = os.path.realpath(link, strict=True)
        except OSError as error:
            return f"is a link that leads nowhere: {error.strerror}"
        return "" if self._root.holds(target) else "is a link that leads out of the directory"
