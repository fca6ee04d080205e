"""Plugins that come with installed Python packages, found without importing any of them.

A package names a folder of its own in the entry point group `brownout.plugins`:

    [project.entry-points."brownout.plugins"]
    voice = "brownout_voice"

The folder holds plugin.yaml and the module. Only the finder of the top package is asked where it lies; what lies below
is looked up on the disk, since asking for a submodule would run its parents.
"""

import re
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from typing import Final

from brownout.api.problems import Problem, shown

__all__ = ["GROUP", "packaged"]

GROUP: Final = "brownout.plugins"
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def packaged() -> Iterator[tuple[str, str, Path | Problem]]:
    """The entry points: the name each gives, its package, and the folder it means or what is wrong with it."""
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        package = point.dist.name if point.dist else ""
        yield point.name, package, _folder(point.value, f"entry point {GROUP} of {package or 'a package'}")


def _folder(value: str, file: str) -> Path | Problem:
    if not _DOTTED.fullmatch(value):
        return Problem(file=file, value=shown(value), allowed="must name a package, such as brownout_voice")
    top, *below = value.split(".")
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        spec = None
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(location, *below)).is_dir():
            return folder
    return Problem(file=file, value=shown(value), allowed="must name a package that is a folder")
