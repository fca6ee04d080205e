"""The checkout that the tests run in: where it is, and which files belong to it.

Asked by the tests that judge files instead of behaviour. It does not know what they look for.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "operator" / "brownout"


def checkout_files() -> tuple[Path, ...]:
    """All files that are, or would be, committed; without git, all outside the folders that .gitignore names."""
    return _files_of_git() or _files_on_disk()


def python_files(*folders: str) -> tuple[Path, ...]:
    """The committed Python files below the folders, which are given from the root."""
    homes = tuple(ROOT / folder for folder in folders)
    return tuple(file for file in checkout_files() if file.suffix == ".py" and set(homes) & set(file.parents))


def _files_of_git() -> tuple[Path, ...]:
    # safe.directory: the checkout may belong to another user than the one who runs the tests.
    ask = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not shutil.which("git"):
        return ()
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=False)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))  # a deleted file is still listed until committed


def _files_on_disk() -> tuple[Path, ...]:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.endswith("/")}
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(path for path in found if not {*ignored, ".git"} & set(path.relative_to(ROOT).parts)))
