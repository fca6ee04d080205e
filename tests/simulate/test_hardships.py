"""Hardships of the plant, as the core learns of them and copes with them."""

from itertools import groupby, pairwise

import pytest

from brownout.api.policy import PolicySpec
from brownout.core.forecast import foretold
from brownout.core.gather import footprints_of
from brownout.simulate.generated import Family, generated
from brownout.simulate.hardships import FailedStarts, FightsBack, Hardship, LateReturn, Leak, StartPeak
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import Ours, bytes_of, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.score import score
from brownout.simulate.traces import base_as_it_is
from tests.simulate.boxes import make_base
from tests.worlds import POLICY


def _foreseen(*hardships: Hardship) -> tuple[list[float], list[float]]:
    """At each tick the base that is foreseen, and by how much the total lies above it and what ours hold."""
    ours, bases, grown = Ours("thresholds", POLICY, integrations_of(THE_FOUR)), [], []

    def look() -> None:
        panel, sample = ours.ledger.panel, ours.ledger.sample
        base = foretold(panel) if panel else None
        if base is None or ours.told is None or ours.told.value is None or sample is None:
            return
        held = (sample.memory_percent or 0.0) - (sample.base_percent or 0.0)
        bases.append(base.value)
        grown.append(ours.told.value - held - base.value)

    run(Plant(hardships=hardships), make_base(*[20.0] * 60), ours, on_tick=look)
    return bases, grown


def test_the_total_sees_a_leak_and_the_base_does_not() -> None:
    """Android leaks half a point each tick, 5 by the horizon: after ten minutes the total is foreseen so much higher.

    Without the leak, and for the first ten minutes with it, nothing but noise is added.
    """
    bases, grown = _foreseen(Leak(name="android", percent_per_hour=60.0))
    calm_bases, calm = _foreseen()
    assert bases == pytest.approx(calm_bases, abs=0.01)
    assert max(grown[:18]) == 0.0
    assert min(grown[-30:]) > 3.5
    assert max(grown[-30:]) < 7.5
    assert max(calm) < 1.5


@pytest.mark.parametrize("guessed", [1.0 / 3.0, 3.0])
def test_a_return_reckons_with_what_the_last_starts_took(guessed: float) -> None:
    """Voice takes half as much again while it starts: after three starts that is its peak, and 12 % what it holds.

    However wrong its owner's guess was.
    """
    things = integrations_of(THE_FOUR, guessed=guessed)
    ours = Ours("thresholds", POLICY, things)
    run(Plant(hardships=(StartPeak(factor=1.5),)), make_base(*([66.0] * 20 + [36.0] * 60) * 3), ours)
    (found,) = footprints_of("voice", things[0], ours.ledger)
    assert len(ours.ledger.measured["voice", 0].peaks) == 3
    assert found.peak_bytes == pytest.approx(bytes_of(18.0), rel=0.2)
    assert found.steady_bytes == pytest.approx(bytes_of(12.0), rel=0.2)


HARD: dict[str, tuple[Hardship, ...]] = {
    "a leak": (Leak(name="android"),),
    "a peak at each start": (StartPeak(),),
    "memory that comes back late": (LateReturn(),),
    "memory that comes back in part": (LateReturn(kept=0.5),),
    "starts that fail": (FailedStarts(),),
    "one that fights back": (FightsBack(name="android"),),
    "all but fighting": (Leak(name="android"), StartPeak(), LateReturn(kept=0.2), FailedStarts()),
}
BY_COST = POLICY.model_validate({"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}})


def _steps(policy: PolicySpec, hardships: tuple[Hardship, ...]) -> Record:
    """Two and a half hours of a load that moves in steps."""
    ours = Ours("ours", policy, integrations_of(THE_FOUR))
    return run(Plant(hardships=hardships), base_as_it_is(generated(Family.STEPS, seed=3, ticks=300)), ours)


@pytest.mark.parametrize("policy", [POLICY, BY_COST], ids=["thresholds", "cost"])
@pytest.mark.parametrize("hardships", HARD.values(), ids=HARD.keys())
def test_whatever_is_hard_the_essential_stays_and_the_emergency_is_answered(
    hardships: tuple[Hardship, ...], policy: PolicySpec
) -> None:
    """The stubs are never touched, and at 95 % and over the rest is off at the next tick, or stays up against us."""
    ticks = _steps(policy, hardships).ticks
    assert {tick.rungs[3] for tick in ticks} == {0}
    fights = any(isinstance(each, FightsBack) for each in hardships)
    for now, after in pairwise(ticks):
        if now.total >= 95.0 and not fights:
            assert after.rungs == (1, 1, 1, 0)


@pytest.mark.parametrize("policy", [POLICY, BY_COST], ids=["thresholds", "cost"])
def test_what_somebody_brings_up_again_goes_again_when_it_has_to(policy: PolicySpec) -> None:
    """A minute after we saw it running it is no longer held for off, as in the engine: who does not fit goes anew.

    At a base of 60 % voice is one too many; somebody starts it every two minutes. It never stays for ten.
    """
    ours = Ours("ours", policy, integrations_of(THE_FOUR))
    found = run(Plant(hardships=(FightsBack(name="voice"),)), make_base(*[60.0] * 360), ours)
    stays = [len(list(run)) for up, run in groupby(tick.rungs[0] == 0 for tick in found.ticks[40:]) if up]
    assert max(stays) < 20
    assert score(found).minutes_80 < 0.6 * 1440.0
