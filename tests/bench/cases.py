"""Two generated loads that a controller must not be taken in by: one spike, and noise around the middle."""

from __future__ import annotations

from collections.abc import Iterator

from brownout.api.policy import PolicySpec
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import Plant
from brownout.simulate.score import score
from brownout.simulate.traces import TICK_S, base_as_it_is
from tests.bench.goals import POLICIES
from tests.bench.report import Figure

NOISE_TICKS, SPIKE_TICKS = 1440, 600
SPIKE_ENDS = 130  # the tick after which the generated spike is over
SEEDS = (1, 2, 3)
DAY_TICKS = 2880


def figures() -> Iterator[Figure]:
    """The worst of three seeds."""
    for name, policy in POLICIES.items():
        flips = max(_flips(_run(Family.NOISE, NOISE_TICKS, policy, seed)) for seed in SEEDS)
        what = f"flips in 12 h of noise (sd 3 around 76), {name}"
        yield Figure(name=what, value=flips, unit="flips", floor=10, goal=0)
    back = max(_back_min(_run(Family.SPIKE, SPIKE_TICKS, POLICIES["when-it-fits"], seed)) for seed in SEEDS)
    name = "voice back after one 5-minute spike at base 52, when-it-fits"
    yield Figure(name=name, value=back, unit="min", floor=45, goal=10)


def _run(family: Family, ticks: int, policy: PolicySpec, seed: int) -> Record:
    """A run that begins cold: what the forecasters know they learn on the way."""
    plant = Plant()
    base = base_as_it_is(generated(family, seed=seed, ticks=ticks))
    return run(plant, base, Ours("ours", policy, integrations_of(plant.things)))


def _flips(record: Record) -> float:
    return score(record).flips * len(record.ticks) / DAY_TICKS


def _back_min(record: Record) -> float:
    """Minutes from the end of the spike until voice is on again; all of the rest where it never is."""
    after = record.ticks[SPIKE_ENDS:]
    waited = next((index for index, tick in enumerate(after) if tick.rungs[0] == 0), len(after))
    return waited * TICK_S / 60.0
