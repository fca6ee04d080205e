"""Which plugins there are: in folders and in installed packages, known by their manifests alone.

Nothing of a plugin is run and, unless one asks for it (`eager`), not even its module read. A broken plugin is a problem
of its own and hides no other. Names are taken once: a folder that comes first wins, any folder wins over an installed
package, and of two packages with one name neither is taken, so that nothing takes another's place unseen.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from brownout.api.problems import Fault, Problem, shown
from brownout.disk.opening import FileText, Root, read_file
from brownout.disk.ownership import distrust
from brownout.pluginhost.dependencies import order_of
from brownout.pluginhost.found import Found, digest
from brownout.pluginhost.manifest import MANIFEST, Manifest, read_manifest
from brownout.pluginhost.packages import packaged

__all__ = ["Candidate", "Discovery", "discover"]

_MOST_PLUGINS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plugin whose manifest was read. `root` is the folder that no link may lead out of."""

    manifest: Manifest
    folder: str
    root: Root
    package: str = ""

    def load(self) -> Found | tuple[Problem, ...]:
        """Read manifest and module as they lie there now: what is run, what is hashed and what is checked is one.

        Blocks on the disk. It may be another version than the one that was discovered; never another plugin.
        """
        text = read_file(self.root, str(Path(self.folder, MANIFEST)))
        manifest = _manifest(text, self._shown(MANIFEST), self.manifest.name)
        if isinstance(manifest, tuple):
            return manifest
        module = self.module(manifest)
        if module.problem is not None:
            return (module.problem,)
        sha256 = digest(manifest.module, text.content, module.content)
        return Found(
            manifest=manifest, module_bytes=module.content, sha256=sha256, folder=self.folder, package=self.package
        )

    def module(self, manifest: Manifest | None = None) -> FileText:
        """Read the file that a manifest names, this one's unless said otherwise. Blocks on the disk."""
        name = (manifest or self.manifest).module
        text = read_file(self.root, str(Path(self.folder, name)))
        return replace(text, problem=replace(text.problem, file=self._shown(name))) if text.problem else text

    def _shown(self, file: str) -> str:
        return str(Path(self.folder, file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found. `order` names those that can be loaded, each after what it requires.

    `problems` has everything that is wrong; `stopped` says which plugins are known but cannot be loaded, and why;
    `broken` of which not even the manifest can be read.
    """

    candidates: Mapping[str, Candidate]
    order: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    stopped: Mapping[str, tuple[Problem, ...]]
    broken: Mapping[str, tuple[Problem, ...]]

    def load(self, name: str) -> Found | tuple[Problem, ...]:
        """Read one plugin as it lies there now, or say everything that is in the way. Blocks on the disk."""
        if name in self.stopped:
            return self.stopped[name]
        if name not in self.candidates and name in self.broken:
            return self.broken[name]
        if name not in self.candidates:
            known = ", ".join(sorted(self.candidates)) or "none"
            allowed = f"there is no such plugin; found are: {known}"
            return (Problem(path="name", value=shown(name), allowed=allowed),)
        return self.candidates[name].load()


def discover(folders: Sequence[Path], *, packages: bool = True, eager: bool = False) -> Discovery:
    """Look for plugins, in the folders in their order and then in installed packages. Blocks on the disk.

    A folder that is not there holds none. `eager` reads the modules too, so that their problems are told at once.
    """
    found: dict[str, Candidate] = {}
    problems: list[Problem] = []
    broken: dict[str, tuple[Problem, ...]] = {}
    for name, each in (*_of_folders(folders), *(_of_packages() if packages else ())):
        if isinstance(each, Candidate):
            problems.extend(_taken(found, each))
        else:
            problems.append(each)
            broken[name] = (*broken.get(name, ()), each)
    order = order_of({name: candidate.manifest for name, candidate in found.items()})
    stopped = dict(order.problems)
    for name in order.names if eager else ():
        module = found[name].module()
        if module.problem is not None:
            stopped[name] = (module.problem,)
    problems.extend(problem for name in sorted(stopped) for problem in stopped[name])
    names = tuple(name for name in order.names if name not in stopped)
    return Discovery(candidates=found, order=names, problems=tuple(problems), stopped=stopped, broken=broken)


def _taken(found: dict[str, Candidate], candidate: Candidate) -> Iterator[Problem]:
    """Take a plugin in, unless its name is taken."""
    first = found.setdefault(candidate.manifest.name, candidate)
    if first is not candidate:
        yield _claimed(candidate.manifest.name, candidate.folder, f"is taken by the one in {first.folder}")


def _claimed(name: str, folder: str, why: str) -> Problem:
    return Problem(str(Path(folder, MANIFEST)), None, "name", shown(name), why, Fault.DUPLICATE)


#: What was found under the name of a plugin: it, or something that is wrong with it. Of no plugin, the name is empty.
Named = tuple[str, Candidate | Problem]


def _of_folders(folders: Sequence[Path]) -> Iterator[Named]:
    for folder in dict.fromkeys(os.path.realpath(each) for each in folders):
        try:
            yield from _in_folder(folder)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                yield "", _unreadable(folder, f"cannot be read: {error.strerror}")


def _in_folder(folder: str) -> Iterator[Named]:
    """The plugins of one folder, in the order of their names."""
    standing = Path(folder).stat()
    if wrong := distrust(standing, standing.st_uid):
        yield "", _unreadable(folder, wrong)
        return
    root = Root(folder, standing.st_uid)
    with os.scandir(folder) as listing:
        names = sorted(entry.name for entry in listing if not entry.name.startswith((".", "_")) and _is_folder(entry))
    if len(names) > _MOST_PLUGINS:
        yield "", _unreadable(folder, f"holds more than {_MOST_PLUGINS} folders: the rest is not looked at")
    for name in names[:_MOST_PLUGINS]:
        yield from _candidates(root, Path(folder, name), name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder, or a link to one. A link that leads in a circle leads nowhere."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _of_packages() -> Iterator[Named]:
    points = tuple(packaged())
    claims = Counter(name for name, _, _ in points)
    for name, package, place in points:
        if isinstance(place, Problem):
            yield name, place
        elif claims[name] > 1:
            yield name, _claimed(name, str(place), "is claimed by more than one installed package: none is taken")
        else:
            real = os.path.realpath(place)
            root = Root(real, Path(real).stat().st_uid)
            yield from _candidates(root, Path(real), name, package, declared=True)


def _candidates(root: Root, folder: Path, name: str, package: str = "", *, declared: bool = False) -> Iterator[Named]:
    """The plugin of a folder, or its problems. A folder without a manifest is none, unless it was `declared`."""
    path = folder / MANIFEST
    try:
        if not declared:
            path.lstat()
        wrong = distrust(folder.stat(), root.owner)
    except FileNotFoundError:
        return
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    if wrong:
        yield name, _unreadable(str(folder), wrong)
        return
    manifest = _manifest(read_file(root, str(path)), str(path), name)
    if isinstance(manifest, Manifest):
        yield name, Candidate(manifest=manifest, folder=str(folder), root=root, package=package)
    else:
        yield from ((name, problem) for problem in manifest)


def _manifest(text: FileText, file: str, name: str) -> Manifest | tuple[Problem, ...]:
    """The manifest in a text, which must be that of the plugin `name`."""
    if text.problem is not None:
        return (replace(text.problem, file=file),)
    manifest = read_manifest(text.content, file)
    if isinstance(manifest, Manifest) and manifest.name != name:
        allowed = f'must be "{name}", as its folder or entry point is called'
        return (Problem(file=file, path="name", value=shown(manifest.name), allowed=allowed),)
    return manifest


def _unreadable(path: str, why: str) -> Problem:
    return Problem(file=path, allowed=why, fault=Fault.UNREADABLE)
