"""Trends: average, minimum, maximum and slope per minute of each resource over the window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.sample import Resource, Sample
from brownout.core.trends import summary, trend
from brownout.core.window import Window
from tests.worlds import NOW, make_window


def test_a_ramp_has_its_slope() -> None:
    """50 to 59 % in nine steps of half a minute rise by two points a minute (requirement S4)."""
    found = trend(make_window("ramp 50..59 x10"), Resource.MEMORY)
    assert found is not None
    assert (found.count, found.minimum, found.maximum) == (10, 50.0, 59.0)
    assert found.average == pytest.approx(54.5)
    assert found.slope_per_minute == pytest.approx(2.0)


def test_of_nothing_there_is_no_trend() -> None:
    """A resource that could never be read has none, and is not in the summary."""
    window = make_window("none x3, flat 50 x2")
    assert trend(Window(), Resource.MEMORY) is None
    assert trend(window, Resource.CPU) is None
    assert list(summary(window)) == [Resource.MEMORY]


@given(values=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_the_average_lies_between_the_ends(values: list[float]) -> None:
    """Minimum, average and maximum are in order, and one sample has no slope."""
    window = Window()
    for index, value in enumerate(values):
        window = window.add(Sample(at=NOW + 30.0 * index, cpu_percent=value))
    found = trend(window, Resource.CPU)
    assert found is not None
    assert found.minimum - 1e-9 <= found.average <= found.maximum + 1e-9
    assert found.slope_per_minute == 0.0 or found.count > 1
