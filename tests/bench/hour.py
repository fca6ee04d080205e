"""An hour on a real box, compressed sixty times, beside what the simulator says of the same hour.

Four programs hold real memory (12, 8, 5 and 1 % of 2 GiB), a process holds the base load, and a real controller
guards them, once with the default policy and once with the best one. A tick of 30 s lasts 0.5 s, and every other time
of the policy is as much shorter. Scored are 120 ticks, an hour, after 120 in which forecasts learn. The simulator is
given the base load that was really measured, and the same sizes.

The load is generated, or the first trace that fits in the folder that BROWNOUT_TRACES names; of it the stretch in which
memory crosses 80 % most often. An hour has too few bursts to tell which policy is better, and each run meets a base of
its own: the figures say whether the simulator foretells what really happens. Takes 4.5 minutes and, at its
highest, 2.4 GB.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from brownout.api.policy import Decide, DecideStrategy, PolicySpec, Restore, RestoreStrategy
from brownout.simulate.contest import contest
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import Tick
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.score import PRESSURE_PERCENT, Score, score
from brownout.simulate.trace_file import read_trace
from brownout.simulate.traces import Base, Mode, Unfit, base_of
from tests.bench.looks import Room, base_by_tick, record_of, score_of_looks
from tests.bench.real_box import Pace, RealBox
from tests.bench.report import Figure, quantile
from tests.memory import used_bytes

GIB = 2**30
LEARNT_TICKS, SCORED_TICKS = 120, 120
TICKS = LEARNT_TICKS + SCORED_TICKS
ROOM_BYTES = 2 * GIB
# Others may hold so much of the room, and the rest of what they hold lies below it: a base of bursts begins at 45 %.
OTHERS_SHARE = 0.3
PACE = Pace()
SEED = 1
# The simulator's noise is one of many: how far its prediction depends on it is told beside.
NOISES = 8
CALM_PERCENT = 40.0
EVERYTHING = sum(thing.percent for thing in THE_FOUR)

DEFAULT = PolicySpec()
BEST = PolicySpec(
    decide=Decide(strategy=DecideStrategy.EXPECTED_COST), restore=Restore(strategy=RestoreStrategy.WHEN_IT_FITS)
)
POLICIES: Mapping[str, PolicySpec] = {"default policy": DEFAULT, "best policy": BEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One real run: every look, the learning included, and the base that was asked for."""

    name: str
    wanted: tuple[float, ...]
    looks: tuple[Tick, ...]

    @property
    def base(self) -> tuple[float, ...]:
        """The base that really was, at each tick."""
        return base_by_tick(self.looks, PACE.looks)

    @property
    def score(self) -> Score:
        """The score of the hour."""
        return score_of_looks(record_of(self.name, THE_FOUR, self.looks[LEARNT_TICKS * PACE.looks :]), PACE.looks)

    @property
    def missed(self) -> float:
        """How far the base was from what was asked for: the 95th percentile, in points."""
        return quantile([abs(was - asked) for was, asked in zip(self.base, self.wanted, strict=True)], 0.95)


def figures() -> Iterator[Figure]:
    """Both policies, measured and predicted."""
    wanted = load()
    for name, policy in POLICIES.items():
        hour = lived(name, policy, wanted)
        predicted = [foretold(policy, hour.base, seed) for seed in range(SEED, SEED + NOISES)]
        yield from _figures(hour, predicted)


def lived(name: str, policy: PolicySpec, wanted: Sequence[float]) -> Hour:
    """Let the load run on the real box under this policy."""
    sys.stderr.write(f"  {name}: {TICKS * PACE.tick_s:.0f} s\n")
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        floor = max(0, used_bytes() - int(OTHERS_SHARE * ROOM_BYTES))
        room = Room(size_bytes=ROOM_BYTES, floor_bytes=floor)
        box = RealBox(Path(folder), room, PACE, Plant(things=THE_FOUR, seed=SEED))
        box.declare(compressed(policy, room))
        with box.running(min(CALM_PERCENT, wanted[0])) as controller:
            return Hour(name=name, wanted=tuple(wanted), looks=tuple(box.play(wanted, controller)))


def compressed(policy: PolicySpec, room: Room) -> dict[str, Any]:
    """The policy with its times shortened and its thresholds above the floor. A switch is paid once and pressure by the
    minute, so that in minutes as short as these a switch is worth as much less.
    """

    def shorter(seconds: float, least: float = 0.0) -> str:
        return f"{max(least, seconds / PACE.factor):g}s"

    limits, costs = policy.thresholds, policy.decide.costs
    prices = {"pressure": costs.pressure, "emergency": costs.emergency, "switch": costs.switch / PACE.factor}
    return {
        "scope": "Node",
        "memoryBudget": str(room.budget_bytes),
        "interval": shorter(policy.interval),
        "window": shorter(policy.window),
        "forecast": {"horizon": shorter(policy.forecast.horizon)},
        "stabilization": {
            "enable": shorter(policy.stabilization.enable),
            "settle": shorter(policy.stabilization.settle),
        },
        "sentinel": {"interval": shorter(policy.sentinel.interval, least=0.2)},
        "thresholds": {each: room.threshold(getattr(limits, each)) for each in ("enable", "disable", "emergency")},
        "decide": {"strategy": policy.decide.strategy.value, "costs": prices},
        "restore": {"strategy": policy.restore.strategy.value},
    }


def foretold(policy: PolicySpec, base: Sequence[float], seed: int = SEED) -> Score:
    """What the simulator says of the same hour, from the same beginning."""
    plant = Plant(things=THE_FOUR, seed=seed)
    load = Base(name="real", mode=Mode.NATIVE, values=tuple(base))
    (record,) = contest(plant, load, {"ours": policy}, rivals=False)
    return score(replace(record, ticks=record.ticks[LEARNT_TICKS:]))


def load() -> tuple[float, ...]:
    """The base load: percent at each tick."""
    folder = os.environ.get("BROWNOUT_TRACES")
    if not folder:
        return eventful(generated(Family.BURSTS, seed=SEED).values)
    for file in sorted(Path(folder).glob("*.csv")):
        base = base_of(read_trace(file.read_text("utf-8"), file.stem), Mode.NATIVE)
        if not isinstance(base, Unfit) and len(base.values) >= TICKS:
            sys.stderr.write(f"  the load is {base.name}\n")
            return eventful(base.values)
    raise FileNotFoundError(f"BROWNOUT_TRACES: {folder}: holds no trace that fits, of {TICKS} steps or more")


def eventful(values: Sequence[float]) -> tuple[float, ...]:
    """The stretch in whose scored part memory would cross 80 % upward most often, with everything on; the earliest."""
    high = [value + EVERYTHING >= PRESSURE_PERCENT for value in values]
    rises = [not before and now for before, now in pairwise([False, *high])]
    starts = range(len(values) - TICKS + 1)
    start = max(starts, key=lambda at: sum(rises[at + LEARNT_TICKS : at + TICKS]))
    return tuple(values[start : start + TICKS])


def _figures(hour: Hour, predicted: Sequence[Score]) -> Iterator[Figure]:
    real, model = hour.score, predicted[0]
    js = [each.j for each in predicted]
    between = f"{min(js):.0f} to {max(js):.0f} with {len(js)} noises"
    yield Figure(name=f"hour, {hour.name}: J measured", value=real.j, unit="a day")
    yield Figure(name=f"hour, {hour.name}: J predicted by the simulator", value=model.j, unit="a day", note=between)
    for what, unit, field in _PARTS:
        foreseen = f"predicted {getattr(model, field) * model.days:.3g}"
        value = getattr(real, field) * real.days
        yield Figure(name=f"hour, {hour.name}: {what}", value=value, unit=unit, note=foreseen)
    note = "95th percentile of what the base missed its load by"
    yield Figure(name=f"hour, {hour.name}: error of the load", value=hour.missed, unit="points", note=note)


_PARTS = (
    ("minutes >= 80", "min", "minutes_80"),
    ("minutes >= 95", "min", "minutes_95"),
    ("weighted minutes lost", "min", "lost_weighted"),
    ("flips", "flips", "flips"),
)
