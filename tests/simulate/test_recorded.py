"""Laws of the record: the base load is what our integrations did not hold, in even ticks, without what is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.simulate.recorded import Recorded, recorded
from tests.worlds import make_sample


def test_what_integrations_held_is_taken_out() -> None:
    """60 % used of which voice holds 12: the base is 48, whoever was on."""
    samples = [make_sample(60.0, at=0.0, voice=12.0), make_sample(48.0, at=30.0)]
    assert recorded(samples).ticks == pytest.approx((48.0, 48.0))


def test_other_intervals_become_ticks_of_30_s() -> None:
    """A sample each minute gives the middle too; one each 10 s every third."""
    slow = recorded([make_sample(value, at=60.0 * at) for at, value in enumerate((40.0, 50.0, 40.0))])
    assert slow.ticks == pytest.approx((40.0, 45.0, 50.0, 45.0, 40.0))
    fast = recorded([make_sample(40.0 + at, at=10.0 * at) for at in range(7)])
    assert fast.ticks == pytest.approx((40.0, 43.0, 46.0))


def test_gaps_are_cut_out_and_counted() -> None:
    """A night switched off, and a sensor that failed for a while, are not a straight line."""
    ats = [*range(0, 300, 30), *range(36_000, 36_300, 30)]
    found = recorded([make_sample(50.0, at=float(at)) for at in ats])
    assert (len(found.ticks), found.gaps) == (20, 1)
    assert found.missing_s == pytest.approx(36_000 - 270)
    blind = [make_sample(None if 5 <= at < 15 else 50.0, at=30.0 * at) for at in range(20)]
    assert (len(recorded(blind).ticks), recorded(blind).gaps) == (10, 1)


def test_nothing_recorded_is_nothing() -> None:
    """No samples, no ticks; one sample, one tick; samples out of order are passed over."""
    assert recorded([]) == Recorded(ticks=())
    assert recorded([make_sample(50.0, at=5.0)]).ticks == (50.0,)
    assert recorded([make_sample(50.0, at=30.0), make_sample(90.0, at=0.0)]).ticks == (50.0,)


def test_the_oldest_quarter_is_the_past() -> None:
    """At most the 1500 ticks that forecasts look back on."""
    assert (len(Recorded(ticks=(50.0,) * 100).base().past), len(Recorded(ticks=(50.0,) * 100).base().values)) == (
        25,
        75,
    )
    assert len(Recorded(ticks=(50.0,) * 20_000).base().past) == 1500


@given(st.lists(st.floats(1.0, 2000.0), max_size=40), st.floats(0.0, 100.0))
def test_a_flat_history_is_flat(steps: list[float], level: float) -> None:
    """However unevenly it was sampled, and never more ticks than there was time for."""
    at, samples = 0.0, [make_sample(level, at=0.0)]
    for step in steps:
        at += step
        samples.append(make_sample(level, at=at))
    found = recorded(samples)
    assert all(tick == pytest.approx(level) for tick in found.ticks)
    assert len(found.ticks) <= (at - found.missing_s) / 30.0 + 1 + found.gaps + 1e-6
