"""What a plugin's data folder takes of the disk, counted a little at each look.

The plugin may change the folder under the count, and may mean ill: no link is followed, what vanishes is passed over,
and a look takes a few thousand entries (some 10 ms) and goes on where the last one was. Everything here blocks.
"""

import os
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import Final

__all__ = ["DEEPEST", "LEAST_BYTES", "FolderSize", "Uncountable"]

#: What a file or a folder takes at least: its place in the tables of a disk can run out too.
LEAST_BYTES: Final = 4096
#: Two descriptors of ours are open for each folder on the way down.
DEEPEST: Final = 32
_ENTRIES_A_LOOK: Final = 4096
_BLOCK_BYTES: Final = 512  # the unit of `st_blocks`, whatever the disk's own is
_OPENING: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Sizes = Generator[int, None, None]


class Uncountable(Exception):
    """The folder was made so that it cannot be counted; says how, in words that follow the plugin's name."""


class FolderSize:
    """Counts one folder, look after look. One look at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._under_way: Sizes | None = None
        self._bytes = 0

    def look(self, most_bytes: int) -> int | None:
        """Count on. Gives what it takes, or a sum over `most_bytes`; None where the next look goes on.

        Raises Uncountable, and OSError for a disk that cannot be read.
        """
        began_before = self._under_way is not None
        if not self._count(most_bytes, _ENTRIES_A_LOOK):
            return None
        if self._bytes > most_bytes and began_before:
            return self.total(most_bytes)  # what was counted at an earlier look may be gone since
        return self._bytes

    def total(self, most_bytes: int) -> int:
        """Count all of it now, or up to the first sum over `most_bytes`. Raises as `look` does."""
        self.close()
        self._count(most_bytes, None)
        return self._bytes

    def close(self) -> None:
        """Give up the count that is under way."""
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def _count(self, most_bytes: int, entries: int | None) -> bool:
        """Count at most so many entries more; whether the count is over, because of its end or of too much."""
        if self._under_way is None:
            self._under_way, self._bytes = _sizes(self._folder), 0
        taken = 0
        try:
            for size_bytes in islice(self._under_way, entries):
                taken += 1
                self._bytes += size_bytes
                if self._bytes > most_bytes:
                    break
        except (OSError, Uncountable):
            self.close()
            raise
        if taken == entries and self._bytes <= most_bytes:
            return False
        self.close()
        return True


def _sizes(folder: Path) -> Sizes:
    """The size of each entry, as long as somebody asks. Closing it closes what it holds open."""
    way = _Way()
    try:
        way.down(str(folder))
        while (entry := way.next()) is not None:
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield _size(seen)
            if S_ISDIR(seen.st_mode):
                way.down(entry.name)
    finally:
        while way.up():
            pass


def _size(seen: os.stat_result) -> int:
    """Of a file with several names each has its share."""
    taken = max(LEAST_BYTES, seen.st_blocks * _BLOCK_BYTES)
    return taken if S_ISDIR(seen.st_mode) else taken // max(1, seen.st_nlink)


class _Way:
    """The open folders from the top down to where the count is."""

    def __init__(self) -> None:
        self._open: list[tuple[int, os._ScandirIterator[str]]] = []

    def down(self, name: str) -> None:
        """Open a folder in the one where we are; by its descriptor, so that no link on the way leads elsewhere."""
        if len(self._open) > DEEPEST:
            raise Uncountable(f"nests folders in its data folder more than {DEEPEST} deep")
        try:
            folder = os.open(name, _OPENING, dir_fd=self._open[-1][0] if self._open else None)
        except (FileNotFoundError, NotADirectoryError):  # gone, or another thing by now; a link is no folder either
            return
        except PermissionError:
            raise Uncountable("made a folder in its data folder that cannot be read") from None
        self._open.append((folder, os.scandir(folder)))

    def next(self) -> "os.DirEntry[str] | None":
        """The next entry, of this folder or else of one above; None at the end."""
        while self._open:
            if (entry := next(self._open[-1][1], None)) is not None:
                return entry
            self.up()
        return None

    def up(self) -> bool:
        """Close the folder where we are; whether there was one."""
        if not self._open:
            return False
        folder, entries = self._open.pop()
        entries.close()
        os.close(folder)
        return True
