"""Folders of plugins, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODULE = "def handle_request(request):\n    return request.body\n"


@dataclass(frozen=True)
class Plugins:
    """A folder that plugins are put into."""

    path: Path

    def put(self, name: str, *, requires: Sequence[str] = (), more: str = "", module: str | None = MODULE) -> Path:
        """A plugin in its own folder; without its module where that is None. Answers the folder."""
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        head = f"name: {name}\nversion: 1.0.0\nentry: {name.replace('-', '_')}.py\n"
        (folder / "plugin.yaml").write_text(f"{head}requires: [{', '.join(requires)}]\n{more}")
        if module is not None:
            (folder / f"{name.replace('-', '_')}.py").write_text(module)
        return folder


def install(site: Path, distribution: str, points: dict[str, str], *, folder: str = "") -> Path:
    """An installed package without anything in it but what an installer writes; answers the folder of its plugin."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[brownout.plugins]\n{lines}")
    place = site / (folder or distribution.replace("-", "_"))
    place.mkdir(parents=True, exist_ok=True)
    return place
