"""The emergency: from the moment memory crosses 95 % of a budget to the moment the first program is gone.

A load fills a budget from about 60 % to beyond 96 % within 2 s, between two ticks 30 s apart, while another program
takes 60 s to stop gracefully. Seen from outside: a loop of our own reads the same memory every 2 ms, and a pidfd tells
when the program ends.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from brownout.api.policy import Scope
from brownout.bootstrap.settings import HomeMode
from brownout.core.errors import HomeUnavailable
from brownout.disk.documents import dump_yaml
from brownout.sensing.memory import MemoryReader, Unreadable
from tests.bench.report import Figure, quantile
from tests.builders import make_integration
from tests.controllers import MIB, running

ROUNDS = 12
LOOK_S = 0.002
PATIENCE_S = 15.0
# In MiB above what is in use: the load of 500 takes it from about 60 % of the room to 104 %.
EMERGENCY_MIB, BUDGET_MIB, LOAD_MIB, STEP_MIB = 460, 490, 500, 25
FILL_S = 2.0

LOAD = (
    "import signal, threading\nheld, clock = [], threading.Event()\nfor _ in range({steps}):\n"
    "    block = bytearray({size})\n    block[::4096] = b'x' * len(block[::4096])\n    held.append(block)\n"
    "    clock.wait({pause})\nsignal.pause()\n"
)


def figures() -> Iterator[Figure]:
    """Latencies of several emergencies, one after the other, each with a controller of its own."""
    seen = [found for found in (_one_ms() for _ in range(ROUNDS)) if found is not None]
    note = f"{len(seen)} of {ROUNDS} emergencies"
    for name, q, goal in (("p50", 0.5, None), ("p99", 0.99, 1000.0)) if seen else ():
        what = f"emergency: crossing to first program gone, {name}"
        yield Figure(name=what, value=quantile(seen, q), unit="ms", goal=goal, note=note)


def _one_ms() -> float | None:
    used = _used_bytes()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        stage = Path(folder)
        _write(stage / "integrations", used)
        with running(HomeMode.LOCAL, stage / "state", directory=stage / "integrations") as controller:
            controller.wait_for_ticks(2, within_s=20)
            pid = _pid_of(stage / "state", "voice")
            return None if pid is None else _measured_ms(pid, used + EMERGENCY_MIB * MIB)


def _measured_ms(pid: int, edge_bytes: int) -> float | None:
    crossed: list[float] = []
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(edge_bytes, crossed, ended), daemon=True)
    watcher.start()
    steps = LOAD_MIB // STEP_MIB
    program = LOAD.format(steps=steps, size=STEP_MIB * MIB, pause=FILL_S / steps)
    load = subprocess.Popen([sys.executable, "-I", "-c", program])
    handle = os.pidfd_open(pid)
    try:
        gone, _, _ = select.select([handle], [], [], PATIENCE_S)
        at = time.monotonic()
    finally:
        os.close(handle)
        ended.set()
        watcher.join()
        load.kill()
        load.wait()
    return 1e3 * (at - crossed[0]) if gone and crossed else None


def _watch(edge_bytes: int, crossed: list[float], ended: threading.Event) -> None:
    reader = MemoryReader()
    while not crossed and not ended.wait(LOOK_S):
        reading = reader.read(scope=Scope.NODE, budget_bytes=None)
        if not isinstance(reading, Unreadable) and reading.used_bytes >= edge_bytes:
            crossed.append(time.monotonic())


def _used_bytes() -> int:
    reading = MemoryReader().read(scope=Scope.NODE, budget_bytes=None)
    if isinstance(reading, Unreadable):
        raise HomeUnavailable(reading.why)
    return reading.used_bytes


def _write(folder: Path, used: int) -> None:
    budget = used + BUDGET_MIB * MIB
    percent = {name: round(100.0 * (used + mib * MIB) / budget, 3) for name, mib in _EDGES.items()}
    policy = {
        "apiVersion": "brownout.dev/v1alpha1",
        "kind": "BrownoutPolicy",
        "metadata": {"name": "default"},
        "spec": {"scope": "Node", "memoryBudget": str(budget), "thresholds": percent},
    }
    folder.mkdir()
    (folder / "policy.yaml").write_text(dump_yaml(policy))
    for name, priority in (("voice", 10), ("stubs", 100)):
        workload = {"command": {"argv": ["sleep", "3600"]}}
        it = make_integration(name, priority=priority, essential=name == "stubs", workload=workload, memory="8Mi")
        (folder / f"{name}.yaml").write_text(dump_yaml(it.to_wire()))


# Nothing is shed before the emergency: `disable` lies just below it.
_EDGES = {"enable": 380, "disable": EMERGENCY_MIB - 1, "emergency": EMERGENCY_MIB}


def _pid_of(state: Path, name: str) -> int | None:
    """The program's pid, by the marks in its environment."""
    wanted = {f"BROWNOUT_STATE={state.resolve()}".encode(), f"BROWNOUT_INTEGRATION={name}".encode()}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = set((entry / "environ").read_bytes().split(b"\0"))
            except OSError:
                continue
            if wanted <= environment:
                return int(entry.name)
    return None
