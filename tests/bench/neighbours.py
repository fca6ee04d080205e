"""What three good plugins notice of each bad one beside them: how long their slowest requests take, and their health.

One host, as on a box, and no window longer than a few seconds: beside each neighbour, and before and after it alone, so
that a machine that has its moods has them in both. A neighbour comes anew into each of its windows, for its first
seconds are its worst: it fails, is started again, and its circuit opens. Circuits wait a fifth of what they do on a
box, so that trials fall into the window too.

By the same method nobody is held against nobody, which shows what a ratio is worth on this machine just now, and a good
fourth one, which shows what one more plugin costs that is merely asked. One stall of 50 ms, whoever makes it, is a p99
by itself in windows of a few seconds: so a neighbour does harm where its whole interval lies above the goal and above
every ratio beside nobody.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from brownout.api.reasons import Circuit
from brownout.bootstrap.clock import SteadyClock
from brownout.engine.circuits import Circuits
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.host import PluginHost
from brownout.processes.backoff import circuit_wait_s
from tests.bench.report import Figure, quantile
from tests.bench.traffic import GOOD, Heard, Traffic
from tests.eventually import pause
from tests.pluginhost.bad import BAD, SOUND, Bad
from tests.pluginhost.stage import Stage

GOAL = 1.25
ROUNDS = 2
ALONE_S, BESIDE_S, SETTLED_S = 1.0, 2.0, 0.15
_BLOCK_S = 0.25
_DRAWS = 400
_FOURTH = Bad(name="a good fourth one", does=SOUND, says=(), lives=True)
_NOBODIES = ("nobody", "nobody again", "nobody once more")
_HURRIED = 5.0
_KEPT_BACK = (AnswerStatus.UNAVAILABLE, AnswerStatus.BUSY)


@dataclass
class Beside:
    """Everything heard beside one neighbour, and alone before and after it."""

    alone: list[Heard] = field(default_factory=list)
    beside: list[Heard] = field(default_factory=list)
    unwell: int = 0

    def let_through(self) -> int:
        """Requests that the neighbour got."""
        return sum(answer.status not in _KEPT_BACK for heard in self.beside for answer in heard.neighbours)

    def ratio(self) -> float:
        """Of the two p99."""
        return _p99(self.beside) / _p99(self.alone)

    def interval(self) -> tuple[float, float]:
        """In which nine of ten ratios lie when whole quarters of a second are drawn anew, as bursts come whole."""
        random = Random(1)
        one, other = _blocks(self.beside), _blocks(self.alone)
        ratios = [_drawn(one, random) / _drawn(other, random) for _ in range(_DRAWS)]
        return quantile(ratios, 0.05), quantile(ratios, 0.95)


def figures() -> Iterator[Figure]:
    """A ratio for each neighbour, and the worst."""
    with TemporaryDirectory(prefix="brownout-bench-") as folder:
        stage = Stage(Path(folder), circuits=Circuits(lambda openings: circuit_wait_s(openings) / _HURRIED))
        before = psutil.cpu_times()
        found = stage.live(lambda host: _measure(stage, host))
        after = psutil.cpu_times()
    for name, beside in found.items():
        low, high = beside.interval()
        note = f"{low:.2f} to {high:.2f}; {_ms(beside.beside)} beside, {_ms(beside.alone)} alone"
        yield Figure(name=f"good plugins' p99 beside {name}", value=beside.ratio(), unit="times alone", note=note)
    control = sorted(found[name].ratio() for name in _NOBODIES)
    note = f"{control[0]:.2f} to {control[-1]:.2f}"
    yield Figure(name="good plugins' p99 beside nobody (control)", value=median(control), unit="times alone", note=note)
    yield from _latency({bad.name: found[bad.name] for bad in BAD}, control[-1])
    yield from _failed(found)
    yield from _health([found[bad.name] for bad in BAD])
    stolen = 100 * (after.steal - before.steal) / (sum(after[:8]) - sum(before[:8]))  # guests are counted in user
    yield Figure(name="CPU time that the machine lost to its host meanwhile", value=stolen, unit="%")


def _latency(found: dict[str, Beside], control: float) -> Iterator[Figure]:
    alone = [heard for one in found.values() for heard in one.alone]
    yield Figure(name="good plugins' p99, alone", value=1000 * _p99(alone), unit="ms")
    ratios = {name: one.ratio() for name, one in found.items()}
    middle, worst = median(ratios.values()), max(ratios, key=lambda name: ratios[name])
    yield Figure(name="good plugins' p99, median neighbour", value=middle, unit="times alone", goal=GOAL)
    yield Figure(
        name="good plugins' p99, worst neighbour", value=ratios[worst], unit="times alone", goal=GOAL, note=worst
    )
    harmful = [name for name, one in found.items() if one.interval()[0] > max(GOAL, control)]
    note = ", ".join(harmful)
    yield Figure(name="neighbours that do harm for certain", value=len(harmful), unit="plugins", goal=0, note=note)


def _failed(found: dict[str, Beside]) -> Iterator[Figure]:
    """Of good plugins, with what was said most often: beside bad ones, and else, which is the machine's doing."""
    bad = {each.name for each in BAD}
    alone = {id(heard): heard for one in found.values() for heard in one.alone}  # each is of two neighbours
    others = [("", list(alone.values())), *((name, one.beside) for name, one in found.items() if name not in bad)]
    for when, heard in (("without", others), ("beside", [(each, found[each].beside) for each in sorted(bad)])):
        said = Counter((who, answer.detail) for who, windows in heard for one in windows for answer in one.failed)
        note = "".join(f"{count}{who and f' beside {who}'}: {why}" for (who, why), count in said.most_common(1))
        name = f"good plugins: requests that failed {when} a bad one"
        yield Figure(name=name, value=said.total(), unit="requests", goal=0, note=note)


def _health(found: Sequence[Beside]) -> Iterator[Figure]:
    unwell = sum(one.unwell for one in found)
    yield Figure(name="good plugins: not well beside a bad one", value=unwell, unit="checks", goal=0)
    let_through = max(one.let_through() for one in found)
    made = min(sum(len(heard.neighbours) for heard in one.beside) for one in found)
    yield Figure(name="bad plugins: most requests that one got", value=let_through, unit="requests", note=f"of {made}")


async def _measure(stage: Stage, host: PluginHost) -> dict[str, Beside]:
    for name in GOOD:
        await host.start(stage.launch(name, SOUND))
    traffic, random = Traffic(stage, host), Random(1)
    neighbours: list[tuple[str, Bad | None]] = [(bad.name, bad) for bad in (*BAD, _FOURTH)]
    neighbours += [(name, None) for name in _NOBODIES]
    found = {name: Beside() for name, _ in neighbours}
    with traffic.flowing():
        await pause(1.0)  # nothing is warm before
        for at in range(ROUNDS):
            sys.stderr.write(f"  plugins beside {len(found)} neighbours, round {at + 1} of {ROUNDS}\n")
            random.shuffle(neighbours)
            alone = [await traffic.window(ALONE_S)]
            for name, bad in neighbours:
                await _one(stage, host, traffic, found[name], bad)
                alone.append(await traffic.window(ALONE_S))
            for (name, _), around in zip(neighbours, pairwise(alone), strict=True):
                found[name].alone.extend(around)
    return found


async def _one(stage: Stage, host: PluginHost, traffic: Traffic, beside: Beside, bad: Bad | None) -> None:
    """One window beside a neighbour, which comes before it and goes after it."""
    if bad is not None:
        await host.start(stage.launch("neighbour", bad.source, **bad.manifest))
    await pause(SETTLED_S)
    beside.beside.append(await traffic.window(BESIDE_S, "" if bad is None else "neighbour"))
    for name in GOOD:
        beside.unwell += not (await host.check(name, within_s=0.2)).ok or _circuit(stage, name) is not Circuit.CLOSED
    if bad is not None:
        await host.forget("neighbour", grace_s=0.0)
        _circuits(stage).forget("neighbour")
    await pause(SETTLED_S)


def _circuits(stage: Stage) -> Circuits:
    assert stage.circuits is not None
    return stage.circuits


def _circuit(stage: Stage, name: str) -> Circuit:
    return _circuits(stage).of(name, now=SteadyClock().now()).circuit


def _p99(heard: Sequence[Heard]) -> float:
    return quantile([took_s for one in heard for _, took_s in one.took], 0.99)


def _ms(heard: Sequence[Heard]) -> str:
    return f"{1000 * _p99(heard):.2f} ms of {sum(len(one.took) for one in heard)}"


def _blocks(heard: Sequence[Heard]) -> list[list[float]]:
    blocks: dict[tuple[int, int], list[float]] = {}
    for at, one in enumerate(heard):
        for made, took_s in one.took:
            blocks.setdefault((at, int(made / _BLOCK_S)), []).append(took_s)
    return list(blocks.values())


def _drawn(blocks: Sequence[Sequence[float]], random: Random) -> float:
    return quantile([took_s for block in random.choices(blocks, k=len(blocks)) for took_s in block], 0.99)
