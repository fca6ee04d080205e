"""Everything that can be said of a plugin before it runs: whether it is in order, trusted, and has what it needs.

The module is compiled, which runs nothing of it, so that a slip in its first line is told here and not by a worker.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from brownout.api.problems import Fault, Problem, shown
from brownout.core.errors import describe
from brownout.pluginhost.discovery import Discovery
from brownout.pluginhost.found import Found
from brownout.pluginhost.manifest import MANIFEST, Manifest
from brownout.pluginhost.needs import granted
from brownout.pluginhost.setting import check_config
from brownout.pluginhost.trust import TrustList

__all__ = ["Examined", "examine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One plugin. `problems` stop it; `refusal` says why it is not trusted; `missing` what is not there."""

    name: str
    manifest: Manifest
    folder: str
    package: str = ""
    sha256: str = ""
    refusal: str = ""
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether nothing is known that would keep it from running."""
        return not (self.problems or self.refusal or self.missing)


def examine(discovery: Discovery, trusted: TrustList, name: str) -> Examined:
    """Examine a plugin that was found. Blocks on the disk."""
    candidate = discovery.candidates[name]
    loaded = candidate.load()
    found = loaded if isinstance(loaded, Found) else None
    problems = discovery.stopped.get(name, ()) + (loaded if isinstance(loaded, tuple) else ())
    manifest = found.manifest if found else candidate.manifest
    return Examined(
        name=name,
        manifest=manifest,
        folder=candidate.folder,
        package=candidate.package,
        sha256=found.sha256 if found else "",
        refusal=trusted.refusal(found) if found else "",
        problems=tuple(dict.fromkeys((*problems, *(_slips(found) if found else ())))),
        missing=tuple(_missing(manifest, candidate.folder)),
    )


def _slips(found: Found) -> Iterator[Problem]:
    """What keeps the module from being compiled."""
    file = str(Path(found.folder, found.manifest.module))
    try:
        compile(found.module_bytes, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        yield Problem(file=file, line=error.lineno, allowed=f"is not Python: {error.msg}", fault=Fault.UNREADABLE)
    except (ValueError, RecursionError, MemoryError) as error:
        yield Problem(file=file, allowed=f"is not Python: {describe(error)}", fault=Fault.UNREADABLE)


def _missing(manifest: Manifest, folder: str) -> Iterator[str]:
    """What it needs and this machine does not have, with the defaults of its config, in sentences."""
    for requirement in manifest.packages:
        if why := _package(requirement):
            yield why
    config = check_config({name: it for name, it in manifest.config.items() if not it.required}, {})
    for program in granted(manifest.needs, config).programs if isinstance(config, dict) else ():
        if shutil.which(program) is None:
            yield f"the program {shown(program)} is not installed: see README.md in {folder}"


def _package(requirement: str) -> str:
    from packaging.requirements import Requirement  # noqa: PLC0415 - half of what the command line's start would cost

    wanted = Requirement(requirement)
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"the Python package {wanted.name} is not installed: {MANIFEST} asks for {requirement}"
    return "" if version in wanted.specifier else f"{wanted.name} is {version}, and {MANIFEST} asks for {requirement}"
