"""Which bytes a plugin's name stands for now: found, read whole, and trusted; or why there are none.

Asked at each look at the plugin, so it remembers: a file that looks as it did is not read again. One that has changed
is read when it has come to rest, for half of a Python file is often good Python with another meaning. To look through
all folders takes 2 ms a plugin, so that is done once for all names that are asked about together.
"""

import os
import sys
from collections.abc import Iterator, Sequence
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
        self._seen: tuple[Marks, Discovery] | None = None
        self._lock = Lock()

    def plugin(self, name: str) -> Found | str:
        """The plugin as it may be run now; or why not, in a sentence."""
        known = self._known.get(name)
        if known is None or _marks(known.files) != known.marks:
            known = self._known[name] = self._settled(name)
        else:
            self._seen = None  # whoever asks has had an answer for all; two hundred manifests are not kept for that
        return known.answer

    def untrusted(self, found: Found) -> str:
        """Why these bytes may not run now, in words that follow the plugin's name; empty where they may."""
        return read_trust(self._state, always=self._always).refusal(found)

    def _settled(self, name: str) -> _Known:
        """Read until nothing has changed under the reading."""
        for _ in range(_MOST_WAITS):
            with self._lock:
                read = self._read(name)
            rest()  # without the lock: a hundred that are new rest side by side, as many as there are threads
            if _marks(read.files) == read.marks:
                return read
        return _Known(answer="its files change all the time", files=(), marks=(None,))

    def _read(self, name: str) -> _Known:
        discovery = self._discovered()
        files = (*dict.fromkeys(self._files(name, discovery)), self._state / TRUST_FILE)
        marks = _marks(files)
        found = discovery.load(name)
        if isinstance(found, tuple):
            return _Known(answer="; ".join(str(problem) for problem in found), files=files, marks=marks)
        why = self.untrusted(found)
        return _Known(answer=f"it {why}" if why else found, files=files, marks=marks)

    def _discovered(self) -> Discovery:
        """What there is now; looked for anew only where something looks different."""
        marks, seen = _marks(tuple(self._places())), self._seen
        if seen is None or seen[0] != marks:
            self._seen = seen = marks, discover(self._folders)
        return seen[1]

    def _places(self) -> Iterator[Path]:
        """Where a plugin comes, goes or changes its manifest: the folders, all in them, and those of packages."""
        yield from map(Path, sys.path)
        for folder in self._folders:
            yield folder
            try:
                yield from (folder / name / MANIFEST for name in sorted(os.listdir(folder)))  # noqa: PTH208 - names alone
            except OSError:
                continue

    def _files(self, name: str, discovery: Discovery) -> Iterator[Path]:
        """What the answer rests on: its files, and the manifests of all that it requires."""
        candidate = discovery.candidates.get(name)
        if candidate is not None:
            yield Path(candidate.folder, candidate.manifest.module)
        wanted, met = [name], {name}
        while wanted:
            each = wanted.pop()
            yield from self._homes(each, discovery)
            known = discovery.candidates.get(each)
            fresh = set(known.manifest.requires if known else ()) - met
            wanted, met = [*wanted, *sorted(fresh)], met | fresh

    def _homes(self, name: str, discovery: Discovery) -> Iterator[Path]:
        """The manifest of a plugin; of one that was not found, the folders in which it may yet appear."""
        candidate = discovery.candidates.get(name)
        if candidate is not None:
            yield Path(candidate.folder, MANIFEST)
            return
        yield from self._folders
        yield from (folder / name / MANIFEST for folder in self._folders)
        yield from map(Path, sys.path)  # a package that is installed later may bring it


def rest() -> None:
    """Let pass what two looks must be apart."""
    Event().wait(_REST_S)


def _marks(files: Sequence[Path]) -> Marks:
    return tuple(_mark(file) for file in files)


def _mark(file: Path) -> tuple[int, int, int, int] | None:
    """How a file looks from outside; None where there is none."""
    try:
        seen = os.stat(file)  # noqa: PTH116 - one call, no object
    except OSError:
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
