"""Laws about the wheel, which is what the image gets."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.checkout import PACKAGE, ROOT, checkout_files

ALSO_SHIPPED = {".sql", ".typed", ".html", ".css", ".js", ".svg", ".txt"}


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    """All modules, the database schema, what the gateway serves and a plugin to copy; no test, no leftover."""
    root = PACKAGE.parent
    wanted = {str(file.relative_to(root)) for file in checkout_files() if PACKAGE in file.parents}
    with zipfile.ZipFile(_build(tmp_path)) as wheel:
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
        entry_points = wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt")))
    assert shipped == {name for name in wanted if Path(name).suffix in {".py", *ALSO_SHIPPED}}
    assert {"brownout/history/schema.sql", "brownout/history/budgets.sql"} <= shipped
    assert "brownout/py.typed" in shipped
    assert "brownout/pluginhost/template_files/plugin.yaml.txt" in shipped
    assert b"brownout = brownout.cli.app:main" in entry_points


def _build(folder: Path) -> Path:
    """The wheel, built as the Dockerfile does it, from a copy: setuptools writes into the tree."""
    tree, out = folder / "tree", folder / "out"
    tree.mkdir()
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "operator", tree / "operator", ignore=ignored)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out)]
    built = [sys.executable, "-m", "pip", "wheel", *options, "."]
    done = subprocess.run(built, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel
