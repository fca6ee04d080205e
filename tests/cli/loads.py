"""Files for the commands that replay: traces, policies, integrations, and a history as a controller leaves it."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from brownout.cli.options import now
from brownout.core.sample import Sample, Witness
from brownout.disk.documents import dump_yaml
from brownout.history.store import SqliteJournal
from tests.builders import integration_document, policy_document

GIB = 2**30
LIMIT = 10 * GIB
COSTS = {"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}}


def write_trace(path: Path, *values: float, step_s: float = 30.0) -> Path:
    """Write a trace of these values; without any a day's wave with bursts, 400 steps long."""
    chance = random.Random(1)
    made = values or [
        40.0 + 6.0 * math.sin(at / 60.0) + (20.0 if at % 90 < 8 else chance.random()) for at in range(400)
    ]
    rows = "".join(f"{at * step_s:g},{value:.4f}\n" for at, value in enumerate(made))
    path.write_text(f"timestamp_s,value_percent\n{rows}", encoding="utf-8")
    return path


def write_policy(path: Path, name: str, **spec: object) -> Path:
    """Write a policy of this name."""
    path.write_text(dump_yaml(policy_document(name, **spec)), encoding="utf-8")
    return path


def write_integrations(folder: Path) -> Path:
    """Write voice (25 % of 12 GiB) and the essential stubs into a folder."""
    folder.mkdir(parents=True)
    voice = integration_document("voice", priority=10, memory="3Gi")
    stubs = integration_document("stubs", priority=100, memory="128Mi", essential=True)
    (folder / "all.yaml").write_text(dump_yaml(voice, stubs), encoding="utf-8")
    return folder


def write_state(state: Path, load: Callable[[int], float], *, ticks: int, held: Mapping[str, float]) -> Path:
    """Write a state folder with a history that ends now: a base load, and on it what each integration held, percent."""
    (state / "status").mkdir(parents=True)
    for place, name in enumerate(held, start=1):
        document = integration_document(name, priority=10 * place, essential=name == "stubs")
        (state / "status" / f"{name}.yaml").write_text(dump_yaml(document), encoding="utf-8")
    asyncio.run(_record(state, [_sample(load(tick), tick - ticks, held) for tick in range(ticks)]))
    return state


def _sample(base: float, tick: int, held: Mapping[str, float]) -> Sample:
    used = base + sum(held.values())
    return Sample(
        at=now() + 30.0 * tick,
        memory_percent=used,
        memory_used_bytes=round(LIMIT * used / 100.0),
        memory_limit_bytes=LIMIT,
        witness=Witness.NODE,
        footprints=MappingProxyType({name: round(LIMIT * size / 100.0) for name, size in held.items()}),
    )


class _Clock:
    """The time of day."""

    def now(self) -> float:
        """The time."""
        return now()


async def _record(state: Path, samples: list[Sample]) -> None:
    journal = SqliteJournal.open(state / "history.db", clock=_Clock(), on_fault=_refuse)
    try:
        for sample in samples:
            journal.add_sample(sample, {})
    finally:
        await journal.close()


def _refuse(where: str, message: str) -> None:
    raise AssertionError((where, message))
