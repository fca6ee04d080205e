"""The watched directory as a place: where and whose it is, and reading it. Blocks on the disk; knows no objects."""

import os
from pathlib import Path

from brownout.core.errors import HomeUnavailable, InvalidInput
from brownout.disk.opening import FileText, Root, read_file
from brownout.disk.ownership import caution, distrust
from brownout.local.reading import Reading, read_directory

__all__ = ["Folder"]


class Folder:
    """A directory, and the state folder that does not count where it lies inside."""

    def __init__(self, directory: Path, *, without: Path) -> None:
        self.shown = str(directory)
        self.path = os.path.abspath(directory)  # noqa: PTH100  # not resolved: a link may be turned to another folder
        self.without = os.path.realpath(without)

    @property
    def real(self) -> str:
        """The folder that stands at the path now."""
        return os.path.realpath(self.path)

    def examine(self) -> str:
        """What to know about a directory that is trusted, or nothing. Raises InvalidInput where it must not be used."""
        if self.real == self.without:
            raise InvalidInput(f"{self.shown} is the state folder too", advice="name another one with --state")
        try:
            found = Path(self.real).stat()
        except OSError:
            return ""  # reading it says so
        if wrong := distrust(found, found.st_uid):
            raise InvalidInput(f"{self.shown} {wrong}")
        return f"{self.shown} {said}" if (said := caution(found)) else ""

    def identify(self) -> tuple[int, int] | None:
        """Which folder stands at the path, by device and inode; None when there is none."""
        try:
            found = Path(self.real).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def read(self) -> Reading:
        """Every file that declares. Raises HomeUnavailable."""
        reading = read_directory(Path(self.real), without=Path(self.without))
        if wrong := distrust(found := Path(self.real).stat(), found.st_uid):
            raise HomeUnavailable(f"{self.shown} {wrong}", advice="what it declared last goes on")
        return reading

    def reread(self, path: str) -> FileText | None:
        """One file again; None when it is gone from a directory that is there. Raises HomeUnavailable, OSError."""
        found = Path(self.real).stat()
        place = Path(self.real, path)
        return read_file(Root(self.real, found.st_uid), path) if os.path.lexists(place) else None
