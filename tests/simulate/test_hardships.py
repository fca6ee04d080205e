"""Hardships of the plant, as the core learns of them: a leak is foreseen, a start's peak is remembered."""

import pytest

from brownout.core.forecast import foretold
from brownout.core.gather import footprints_of
from brownout.simulate.hardships import Hardship, Leak, StartPeak
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, bytes_of, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
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
