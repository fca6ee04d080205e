"""What health checks cost us: one decision of a breaker, and a health tick of 100 integrations on real sockets.

A tick is one check of each within one period. Our own work is the CPU time of our code; what the kernel does for our
sockets and programs is told beside it. The server that answers is another process.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from brownout.api.integration import Integration
from brownout.api.reasons import Health
from brownout.core.breaker import CLOSED, Source, ask, doubled, tell
from brownout.engine.health_watch import HealthWatch
from brownout.engine.world import World
from brownout.local.checking.prober import LocalProber
from brownout.sensing.processes import ProcTable
from tests.bench.report import Figure, quantile
from tests.builders import make_integration
from tests.engine.world import Box
from tests.worlds import make_member, make_snapshot

COUNT = 100
DECISIONS = 10_000
PERIODS = 2
PERIOD_S = 5.0
GOAL_DECISION_MS = 0.05
GOAL_TICK_MS = 40.0
_NOTE = f"CPU, mean of {PERIODS} ticks on real sockets"
_SERVER = """
import asyncio, sys
async def serve(reader, writer):
    if b"\\n" not in await reader.read(4096):
        return writer.close()
    if sys.argv[1] == "hang":
        await reader.read()
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def figures() -> Iterator[Figure]:
    """The breaker, then ticks by kind of check."""
    times_ms = _decisions_ms()
    note = f"CPU, mean of {DECISIONS}; every third asks for what fails"
    mean = sum(times_ms) / len(times_ms)
    yield Figure(name="breaker, one decision", value=mean, unit="ms", goal=GOAL_DECISION_MS, note=note)
    yield Figure(name="breaker, one decision, p99", value=quantile(times_ms, 0.99), unit="ms", goal=GOAL_DECISION_MS)
    for kind in ("process", "tcp", "http", "exec"):
        tick = _tick(kind, hanging=0)
        name = f"health tick of {COUNT} by {kind}"
        goal = None if kind == "exec" else GOAL_TICK_MS  # to start a program is the owner's choice, and has its price
        yield Figure(name=f"{name}, our work", value=tick.own_ms, unit="ms", goal=goal, note=_NOTE)
        yield Figure(name=f"{name}, the kernel's", value=tick.kernel_ms, unit="ms", note="CPU of our system calls")
    tick = _tick("http", hanging=COUNT // 2)
    name = f"health tick of {COUNT} by http, half hang"
    yield Figure(name=f"{name}, our work", value=tick.own_ms, unit="ms", goal=GOAL_TICK_MS, note=_NOTE)
    yield Figure(name=f"{name}, slowest other", value=tick.slowest_ms, unit="ms", goal=200.0, note="p95 of its answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tick:
    """The CPU time of one tick, and the largest p95 of those that answer."""

    own_ms: float
    kernel_ms: float
    slowest_ms: float


def _decisions_ms() -> list[float]:
    """Ask and tell, over every state: 10 000 in a life of opening and closing."""
    breaker, times_ms, now = CLOSED, [], 0.0
    for number in range(DECISIONS):
        now += 0.5
        began = time.perf_counter()
        breaker, permit = ask(breaker, Source.REQUEST, now=now, within_s=5.0, wait=doubled)
        why = "it is down" if (number // 100) % 3 == 0 else None
        breaker = tell(breaker, permit, why, now=now, threshold=3, wait=doubled)
        times_ms.append(1e3 * (time.perf_counter() - began))
    return times_ms


def _tick(kind: str, *, hanging: int) -> _Tick:
    """One check of each."""
    with TemporaryDirectory() as folder, _Server("well") as well, _Server("hang") as deaf:
        ports = [deaf.port if index < hanging else well.port for index in range(COUNT)]
        integrations = [_integration(index, kind, port) for index, port in enumerate(ports)]
        return asyncio.run(_measured(integrations, Path(folder)))


async def _measured(integrations: list[Integration], folder: Path) -> _Tick:
    prober = LocalProber(folder, ProcTable(), directory=folder, on_fault=lambda *_: None)
    world: World = Box(*integrations).up().world(prober=prober)
    members = [make_member(each.name, health=each.spec.health) for each in integrations]
    snapshot = make_snapshot(50.0, *members)
    watch = HealthWatch(world, lambda: snapshot, frozenset)
    running = asyncio.create_task(watch.run(lambda _: None))
    await _for(PERIOD_S)
    began = resource.getrusage(resource.RUSAGE_SELF)
    await _for(PERIODS * PERIOD_S)
    ended = resource.getrusage(resource.RUSAGE_SELF)
    records = [seen.record for seen in watch.all_seen().values()]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    latencies = [record.latency_s or 0.0 for record in records if record.health is Health.HEALTHY]
    return _Tick(
        own_ms=1e3 * (ended.ru_utime - began.ru_utime) / PERIODS,
        kernel_ms=1e3 * (ended.ru_stime - began.ru_stime) / PERIODS,
        slowest_ms=1e3 * max(latencies),
    )


async def _for(seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


def _integration(index: int, kind: str, port: int) -> Integration:
    probes: dict[str, dict[str, Any]] = {
        "process": {},
        "tcp": {"tcp": {"port": port}},
        "http": {"http": {"port": port}},
        "exec": {"exec": {"argv": ["true"]}},
    }
    return make_integration(f"it-{index}", health={"period": PERIOD_S, **probes[kind]})


class _Server:
    """A server in a process of its own, for as long as the block lasts."""

    def __init__(self, mood: str) -> None:
        self._argv = [sys.executable, "-I", "-c", _SERVER, mood]
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._argv, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
