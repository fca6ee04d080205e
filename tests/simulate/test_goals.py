"""The goals of the issue in the simulator: what a spike may cost voice, and how often noise may switch anything.

The plant is the benchmark's: four integrations, footprints that waver, ticks of 30 s.
"""

import pytest

from brownout.api.policy import PolicySpec
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.traces import base_as_it_is
from tests.builders import make_policy

HOUR_TICKS = 120
SPIKE_BEGINS, SPIKE_ENDS = 120, 130
DEFAULT = PolicySpec()
FITS = make_policy(restore={"strategy": "WhenItFits"}).spec
COST = make_policy(restore={"strategy": "WhenItFits"}, decide={"strategy": "ExpectedCost"}).spec
POLICIES = {"default": DEFAULT, "WhenItFits": FITS, "ExpectedCost": COST}
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


def _run(policy: PolicySpec, family: Family, *, seed: int, ticks: int) -> Record:
    ours = Ours("ours", policy, integrations_of(THE_FOUR))
    return run(Plant(), base_as_it_is(generated(family, seed=seed, ticks=ticks)), ours)


def _flips(record: Record) -> int:
    """Count the changes of anybody's rung."""
    pairs = zip(record.ticks, record.ticks[1:], strict=False)
    return sum(was != now for before, after in pairs for was, now in zip(before.rungs, after.rungs, strict=True))


@SEEDS
@pytest.mark.parametrize("name", ["WhenItFits", "ExpectedCost"])
def test_after_one_spike_voice_is_back_within_45_minutes(name: str, seed: int) -> None:
    """A base of 52 % with one rise of 8 points for five minutes, after an hour: everything makes 78, then 86 %.

    Where it went it serves again 45 minutes after the rise (the floor of the issue; the goal is 10). The letter of the
    default, nothing returns from 65 % on, keeps voice off here: see tests/core/test_closed_loop.py.
    """
    record = _run(POLICIES[name], Family.SPIKE, seed=seed, ticks=3 * HOUR_TICKS)
    assert any(tick.rungs[0] for tick in record.ticks[SPIKE_BEGINS : SPIKE_ENDS + 1])
    back = next(index for index, tick in enumerate(record.ticks[SPIKE_ENDS:]) if tick.serving[0])
    assert back <= 90


@SEEDS
@pytest.mark.parametrize("name", POLICIES)
def test_noise_switches_little(name: str, seed: int) -> None:
    """Twelve hours of white noise, sd 3, around 76 %: one tick of eleven lies at or above 80 %, and nothing is to be
    foreseen. At most ten flips (the floor of the issue; the goal is none).
    """
    assert _flips(_run(POLICIES[name], Family.NOISE, seed=seed, ticks=12 * HOUR_TICKS)) <= 10
