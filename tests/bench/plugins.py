"""Plugins: what an idle worker costs, how long a request takes, and what is lost while versions and levels change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from brownout.pluginhost.answers import Answer
from brownout.pluginhost.host import PluginHost
from tests.bench.report import Figure, quantile
from tests.pluginhost.stage import Stage
from tests.pluginhost.test_swap import COUNTING, Load

CHANGES = 200
IDLE = {
    "plain": "",
    "coroutines": "async def handle_request(request): return request.body\n",
    "coroutines and network": "async def handle_request(request): return request.body\n",
}
ONLINE: dict[str, Any] = {"needs": {"network": {"connect": [443]}}}


def figures() -> Iterator[Figure]:
    """All of it, each on a stage of its own."""
    for part in (_idle, _requests, _exchanges, _levels):
        with TemporaryDirectory(prefix="brownout-bench-") as folder:
            yield from part(Stage(Path(folder)))


def _idle(stage: Stage) -> Iterator[Figure]:
    """The memory of workers that were asked once, all three side by side as on a box."""

    async def story(host: PluginHost) -> list[int]:
        held = []
        for name, source in IDLE.items():
            key = name.replace(" ", "_")
            await host.start(stage.launch(key, source, **(ONLINE if "network" in name else {})))
            await stage.ask(host, key)
            held.append(await host.memory_bytes(key) or 0)
        return held

    for name, held_bytes in zip(IDLE, stage.live(story), strict=True):
        yield Figure(name=f"idle worker, {name}", value=held_bytes / 2**20, unit="MiB PSS", goal=15.0)


def _requests(stage: Stage) -> Iterator[Figure]:
    """Start, and one request after the other."""

    async def story(host: PluginHost) -> tuple[float, list[float]]:
        began = time.perf_counter()
        await host.start(stage.launch("echo"))
        started_s = time.perf_counter() - began
        return started_s, [await _timed(stage, host, "echo") for _ in range(2000)]

    started_s, took = stage.live(story)
    yield Figure(name="plugin start, confined and initialized", value=1000 * started_s, unit="ms")
    yield Figure(name="plugin request, median", value=1000 * median(took), unit="ms")
    yield Figure(name="plugin request, p99", value=1000 * quantile(took, 0.99), unit="ms")


def _exchanges(stage: Stage) -> Iterator[Figure]:
    """Another version each time, in a new process."""
    yield from _changes(stage, "hot swap", lambda at: (f"VERSION = {at}\n{COUNTING}", ""))


def _levels(stage: Stage) -> Iterator[Figure]:
    """Another level each time, in the same process."""
    source = f"VERSION = 0\n{COUNTING}"
    yield from _changes(stage, "level switch", lambda at: (source, ("large", "small")[at % 2]))


def _changes(stage: Stage, name: str, nth: Callable[[int], tuple[str, str]]) -> Iterator[Figure]:
    async def story(host: PluginHost) -> tuple[Load, list[float]]:
        load, took = Load(stage, host), list[float]()
        source, level = nth(0)
        await host.start(stage.launch("counting", source, level=level))

        async def change() -> None:
            for at in range(1, CHANGES + 1):
                source, level = nth(at)
                began = time.perf_counter()
                await host.start(stage.launch("counting", source, level=level))
                took.append(time.perf_counter() - began)

        await load.during(change)
        return load, took

    load, took = stage.live(story)
    lost = sum(not answer.ok for _, answer in load.answers)
    counts = [answer.body["count"] for _, answer in load.answers if answer.ok]
    note = f"of {load.asked} requests during {CHANGES}"
    yield Figure(name=f"{name}: requests lost", value=lost, unit="requests", goal=0, note=note)
    yield Figure(
        name=f"{name}: answered or counted twice", value=len(counts) - len(set(counts)), unit="requests", goal=0
    )
    yield Figure(name=f"{name}: state lost", value=max(counts) - len(counts), unit="counts", goal=0)
    yield Figure(name=f"{name}, median", value=1000 * median(took), unit="ms")


async def _timed(stage: Stage, host: PluginHost, name: str) -> float:
    began = time.perf_counter()
    answer: Answer = await stage.ask(host, name)
    took_s = time.perf_counter() - began
    assert answer.ok, answer
    return took_s
