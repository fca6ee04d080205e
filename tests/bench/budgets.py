"""What a budget costs an agent: a record, a question and a checkpoint, in memory and in a file; and the import."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from brownout.budget import Limits, Run
from tests.bench.report import Figure, quantile

LIMITS = Limits(duration="10h", tokens=10**12, api_calls=10**9)
WORKERS, EACH = 8, 500
_RESIDENT = (
    "def resident():\n"
    "    return int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20\n"
    "before = resident()\n"
    "import brownout.budget\n"
    "print(resident() - before)\n"
)


def figures() -> Iterator[Figure]:
    """In memory, in a file (on the disk of this checkout), and in a file that eight processes share."""
    with Run.open("bench", LIMITS) as run:
        yield from _calls(run, "in memory", unit="us", rounds=20_000, record_goal=20.0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        with Run.open("bench", LIMITS, store=folder) as run:
            yield from _calls(run, "durable", unit="ms", rounds=3000, record_goal=0.5)
            state = {"text": "x" * 10_000}
            checkpoints = _timed(lambda: run.checkpoint(state), 100)
            yield Figure(name="checkpoint of 10 kB", value=1e3 * quantile(checkpoints, 0.5), unit="ms", note="median")
        shared = 1e3 * _shared_s(Path(folder))
        yield Figure(
            name="record, durable, eight processes at once", value=shared, unit="ms", note="each waits so long"
        )
    resident = float(subprocess.run([sys.executable, "-c", _RESIDENT], capture_output=True, check=True).stdout)
    yield Figure(name="import brownout.budget", value=resident, unit="MiB", note="resident, on top of Python")


def _calls(run: Run, where: str, *, unit: str, rounds: int, record_goal: float) -> Iterator[Figure]:
    scale = {"us": 1e6, "ms": 1e3}[unit]
    records = _timed(lambda: run.record(tokens=3, api_call=True), rounds)
    for share, what, goal in ((0.5, "median", record_goal), (0.99, "p99", None)):
        value = scale * quantile(records, share)
        yield Figure(name=f"record, {where}, {what}", value=value, unit=unit, goal=goal, note=f"of {rounds}")
    questions = _timed(lambda: run.should_continue(0.5), rounds // 10)
    yield Figure(name=f"should_continue, {where}", value=scale * quantile(questions, 0.5), unit=unit, note="median")


def _timed(call: Callable[[], object], rounds: int) -> list[float]:
    """Seconds of each call."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return found


def _shared_s(folder: Path) -> float:
    """Mean seconds of one record, as each of eight forked processes sees it."""
    with Run.open("crowd", LIMITS, store=folder):
        inlet, outlet = os.pipe()
        children = []
        for _ in range(WORKERS):
            child = os.fork()
            if child == 0:
                with Run.open("crowd", LIMITS, store=folder) as run:
                    spent = sum(_timed(lambda: run.record(tokens=1), EACH))
                os.write(outlet, f"{spent}\n".encode())
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        return sum(float(line) for line in os.read(inlet, 65536).split()) / (WORKERS * EACH)
