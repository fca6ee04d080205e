"""How long it takes to find 200 plugins, each as large as a real one: their manifests read and checked, none run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from brownout.pluginhost.discovery import discover
from tests.bench.report import Figure

COUNT = 200
ROUNDS = 7
GOAL_S = 0.3
MANIFEST = """\
name: {name}
version: 1.4.0
description: One of many, each with all that a manifest may say.
entry: plugin.py:Plugin
load: Eager
requires: [{requires}]
needs:
  network: {{connect: [443], listen: [$port], resolve: true}}
  files: {{read: [/usr/share/espeak-ng-data]}}
  environment: [PLUGIN_TOKEN]
  programs: [espeak-ng]
limits: {{memory: 512Mi, cpuTime: 1h, openFiles: 64, processes: 8, requestTimeout: 5s, concurrency: 4, queue: 16}}
levels:
  - {{name: large, memory: 400Mi, config: {{speed: 160}}}}
  - {{name: small, memory: 64Mi, config: {{speed: 200}}}}
config:
  port: {{type: integer, minimum: 1, maximum: 65535, default: 8410, description: Where it listens.}}
  token: {{type: string, secret: true, description: Who may ask.}}
  speed: {{type: integer, minimum: 80, maximum: 450, default: 175, description: Words in a minute.}}
  answers: {{type: map, items: {{type: list}}, default: {{}}, description: What it says to what.}}
"""


def figures() -> Iterator[Figure]:
    """A scan that reads the manifests (lazy), one that reads the modules too (eager), one with packages' plugins."""
    with TemporaryDirectory(prefix="brownout-bench-") as scratch:
        folder = Path(scratch)
        for at in range(COUNT):
            _put(folder / f"plugin-{at:03}", at)
        for name, options in (
            ("lazy", {"packages": False}),
            ("eager", {"packages": False, "eager": True}),
            ("lazy, with installed packages", {}),
        ):
            seconds = median(_scan_s(folder, options) for _ in range(ROUNDS))
            yield Figure(
                name=f"scan of {COUNT} plugins, {name}",
                value=seconds,
                unit="s",
                goal=GOAL_S,
                floor=1.0,
                note="median of 7, CPU",
            )


def _put(folder: Path, at: int) -> None:
    folder.mkdir()
    requires = f"plugin-{at - 1:03}" if at % 3 else ""
    (folder / "plugin.yaml").write_text(MANIFEST.format(name=folder.name, requires=requires))
    (folder / "plugin.py").write_text("# a line of some module\n" * 200)


def _scan_s(folder: Path, options: dict[str, bool]) -> float:
    began = time.process_time()
    found = discover([folder], **options)
    seconds = time.process_time() - began
    assert len(found.order) == COUNT, found.problems
    return seconds
