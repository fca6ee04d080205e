"""A training on two weeks of samples: what the child takes, and what stays in the parent."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from brownout.core.window import Point
from tests.bench.report import Figure
from tests.checkout import PACKAGE
from tests.training.series import PER_DAY, START, STEP_S, make_request
from tests.training.state import write_history
from tests.worlds import make_dice

DAYS = 14
FOOTPRINTS = 4
MIB = 2**20

#: A parent as small as the controller's own part in it, twice: the first time brings what stays, the second shows that
#: nothing is added.
PARENT = """
import asyncio, json, re, sys
from pathlib import Path
from brownout.engine.trainer import TrainingRequest
from brownout.training.child import ChildTrainer

def pss():
    return int(re.search(r"^Pss:\\s+(\\d+)", Path("/proc/self/smaps_rollup").read_text(), re.M)[1]) * 1024

request = json.loads(sys.argv[2])
request = TrainingRequest(**{**request, "steps": tuple(request["steps"])})
argv = (sys.executable, "-P", "-m", "brownout.bootstrap.training")
trainer = ChildTrainer(argv, Path(sys.argv[1]), on_fault=print)

async def main():
    said, held = [], [pss()]
    for _ in range(2):
        said.append(await trainer.train(request))
        kept = await trainer.kept()
        held.append(pss())
    if any(report.fault for report in said):
        sys.exit(said[0].fault)
    print(json.dumps({"seconds": [report.seconds for report in said], "samples": said[0].samples,
        "peak_bytes": [report.peak_bytes for report in said], "held": held}))

asyncio.run(main())
"""


def figures() -> Iterator[Figure]:
    """The child's time and peak memory; the growth of the parent."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        points = _two_weeks()
        write_history(Path(folder), points, footprints=FOOTPRINTS)
        request = json.dumps(asdict(make_request(points)))
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
        done = subprocess.run(
            [sys.executable, "-c", PARENT, folder, request], env=environment, capture_output=True, check=True, text=True
        )
    said = json.loads(done.stdout)
    note = f"{said['samples']} samples, {FOOTPRINTS} footprints each"
    first, _, last = said["held"]
    yield Figure(name="training: peak memory of the child", value=max(said["peak_bytes"]) / MIB, unit="MiB", note=note)
    yield Figure(name="training: time, first", value=said["seconds"][0], unit="s", note="imports from the disk")
    yield Figure(name="training: time, again", value=said["seconds"][1], unit="s", note="from the page cache")
    yield Figure(name="training: growth of the parent (PSS)", value=(last - first) / MIB, unit="MiB", goal=3.0)


def _two_weeks() -> list[Point]:
    """A day's curve, a level that draws back, and chance."""
    dice, away, points = make_dice(7), 0.0, []
    for place in range(DAYS * PER_DAY):
        away = 0.95 * away + dice.gauss(0.0, 0.5)
        day = 4.0 * math.sin(2.0 * math.pi * place / PER_DAY)
        points.append((START + STEP_S * place, 45.0 + day + away))
    return points
