"""Where kube-apiserver, etcd and kubectl are: `KUBEBUILDER_ASSETS`, a cached build, or a build made now.

`python -m tests.apiserver.assets` prints the folder. How the programs are built is build.py's; how they are run,
cluster.py's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver import build as recipe
from tests.apiserver.sources import BuildError

PROGRAMS = ("kube-apiserver", "etcd", "kubectl")
ENV = "KUBEBUILDER_ASSETS"
# What a build is made from: another content, another build.
RECIPE = ("build.py", "sources.py", "patch.py", "tools.txt")


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no API server for the tests; `why` is one line."""

    why: str


def find_assets() -> Path | Missing:
    """The folder that holds the three programs; builds it where neither the environment nor the cache has it."""
    named = os.environ.get(ENV)
    if named:
        return _complete(Path(named).resolve())
    folder = cached_folder()
    try:
        with _only_one(folder.parent):
            if not folder.exists():
                _sweep(folder.parent)
                recipe.build(folder)
    except (BuildError, OSError) as error:
        return Missing(f"no API server: {ENV} is not set, and it cannot be built here: {error}")
    return _complete(folder)


def cached_folder() -> Path:
    """Where the build of exactly this recipe lies, or will lie."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    content = b"\0".join((Path(__file__).parent / part).read_bytes() for part in RECIPE)
    return Path(home).resolve() / "brownout-tests" / hashlib.sha256(content).hexdigest()[:16]


def _complete(folder: Path) -> Path | Missing:
    lacking = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    return Missing(f"no API server: {folder} has no {', '.join(lacking)}") if lacking else folder


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Two test runs at once build once: the second waits, and finds the first one's result."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(cache: Path) -> None:
    """Removes what an interrupted build left; under the lock, so no other build is under way."""
    for left in cache.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)


def main() -> int:
    """Prints the folder, or on standard error why there is none (exit code 1)."""
    found = find_assets()
    if isinstance(found, Missing):
        print(found.why, file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
