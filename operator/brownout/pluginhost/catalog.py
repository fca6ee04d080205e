"""Which bytes a plugin's name stands for now: found, read whole, and trusted; or why there are none.

Asked at each look at the plugin, so it remembers: a file that looks as it did is not read again. One that has changed
is read when it has come to rest, for half of a Python file is often good Python with another meaning.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Final

from brownout.pluginhost.discovery import Discovery, discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.manifest import MANIFEST
from brownout.pluginhost.trust import TRUST_FILE, read_trust

__all__ = ["Catalog"]

#: What two looks at a file must be apart to call it at rest, and how often it is waited for.
_REST_S: Final = 0.05
_MOST_WAITS: Final = 20

Marks = tuple[tuple[int, int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read, and how the files looked then."""

    answer: Found | str
    files: tuple[Path, ...]
    marks: Marks


class Catalog:
    """Looks in the folders in their order, then in installed packages. Its methods block: call them in a thread."""

    def __init__(self, folders: Sequence[Path], state: Path, *, always: bool = False) -> None:
        self._folders = tuple(folders)
        self._state = state
        self._always = always
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def plugin(self, name: str) -> Found | str:
        """The plugin as it may be run now; or why not, in a sentence."""
        with self._lock:
            known = self._known.get(name)
            if known is None or _marks(known.files) != known.marks:
                known = self._known[name] = self._settled(name)
            return known.answer

    def _settled(self, name: str) -> _Known:
        """Read until nothing has changed under the reading."""
        for _ in range(_MOST_WAITS):
            read = self._read(name)
            Event().wait(_REST_S)
            if _marks(read.files) == read.marks:
                return read
        return _Known(answer="its files change all the time", files=(), marks=(None,))

    def _read(self, name: str) -> _Known:
        discovery = discover(self._folders)
        files = (*self._files(name, discovery), self._state / TRUST_FILE)
        marks = _marks(files)
        found = discovery.load(name)
        if isinstance(found, tuple):
            return _Known(answer="; ".join(str(problem) for problem in found), files=files, marks=marks)
        refusal = read_trust(self._state, always=self._always).refusal(found)
        return _Known(answer=f"it {refusal}" if refusal else found, files=files, marks=marks)

    def _files(self, name: str, discovery: Discovery) -> tuple[Path, ...]:
        """What the answer rests on. Of a plugin that was not found, the folders in which it may yet appear."""
        candidate = discovery.candidates.get(name)
        if candidate is None:
            return (*self._folders, *(folder / name / MANIFEST for folder in self._folders))
        return (Path(candidate.folder, MANIFEST), Path(candidate.folder, candidate.manifest.module))


def _marks(files: Sequence[Path]) -> Marks:
    return tuple(_mark(file) for file in files)


def _mark(file: Path) -> tuple[int, int, int, int] | None:
    """How a file looks from outside; None where there is none."""
    try:
        seen = os.stat(file)  # noqa: PTH116 - one call, no object
    except OSError:
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
