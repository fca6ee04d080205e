"""Anomalies: what lies more than three sigmas from the window's own robust centre."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.anomalies import ENOUGH, anomalies
from brownout.core.sample import Resource, Sample
from brownout.core.window import Window
from tests.worlds import NOW, make_dice, make_window

_PERCENT = st.floats(0.0, 100.0)
_VALUES = st.lists(_PERCENT, min_size=ENOUGH, max_size=59)


def make_cpu(values: Sequence[float | None]) -> Window:
    """Make a window of these CPU percentages, half a minute apart."""
    window = Window()
    for index, value in enumerate(values):
        window = window.add(Sample(at=NOW + 30.0 * index, cpu_percent=value))
    return window


def unusual(values: Sequence[float | None], beyond: float = 3.0) -> list[float]:
    """The values that are anomalies."""
    return [found.percent for found in anomalies(make_cpu(values), Resource.CPU, beyond=beyond)]


def test_a_burst_in_noise_is_found_with_its_sigmas() -> None:
    """Of a machine that swings by two points a sample at 90 is one, and says how far off it lies."""
    dice = make_dice()
    noise = [dice.gauss(50.0, 2.0) for _ in range(60)]
    (found,) = (each for each in anomalies(make_cpu([*noise[:30], 90.0, *noise[31:]]), Resource.CPU) if each.sigmas > 5)
    assert (found.at, found.percent) == (NOW + 900.0, 90.0)
    assert found.sigmas == pytest.approx(20.0, rel=0.4)


def test_below_is_as_unusual_as_above() -> None:
    """Its sigmas are negative."""
    (found,) = anomalies(make_window("flat 50 x30, flat 20 x1"), Resource.MEMORY)
    assert (found.percent, found.sigmas) == (20.0, -300.0)


def test_bursts_do_not_hide_each_other() -> None:
    """A quarter of the samples at 90 would draw a mean and its deviation along (27 sigmas would become 1.7)."""
    assert unusual([50.0, 51.0, 49.0, 90.0] * 10) == [90.0] * 10


@pytest.mark.parametrize(("outlier", "found"), [(50.3, []), (50.31, [50.31]), (49.69, [49.69]), (90.0, [90.0])])
def test_where_nearly_all_are_equal_a_sigma_is_a_tenth_of_a_point(outlier: float, found: list[float]) -> None:
    """MAD is 0 there, and three tenths of a point are what a machine at rest moves by itself."""
    assert unusual([50.0] * 30 + [outlier]) == found


def test_of_few_samples_none_is_unusual() -> None:
    """Of nine nobody knows what is usual; of ten it can be told."""
    assert unusual([50.0] * 8 + [90.0]) == []
    assert unusual([50.0] * 9 + [90.0]) == [90.0]


@given(value=_PERCENT, count=st.integers(0, 60))
def test_what_never_moves_has_none(value: float, count: int) -> None:
    """All samples equal: all are usual."""
    assert unusual([value] * count) == []


@given(values=_VALUES)
def test_never_half_of_the_samples_are_unusual(values: list[float]) -> None:
    """The centre is theirs: more than half of them lie near it."""
    assert 2 * len(unusual(values)) < len(values)


@given(values=_VALUES, nearer=st.floats(0.5, 10.0), farther=st.floats(0.5, 10.0))
def test_a_wider_bound_finds_no_more(values: list[float], nearer: float, farther: float) -> None:
    """What is beyond ten sigmas is beyond three."""
    narrow, wide = sorted((nearer, farther))
    assert set(unusual(values, wide)) <= set(unusual(values, narrow))


@given(values=_VALUES, unknown=st.sampled_from([None, math.nan, math.inf, -1.0]), at=st.integers(0, 60))
def test_unknown_samples_are_none_and_make_none(values: list[float], unknown: float | None, at: int) -> None:
    """They are neither usual nor unusual."""
    assert unusual([*values[:at], unknown, *values[at:]]) == unusual(values)


@given(order=st.permutations([50.0, 51.0, 52.0, 49.0, 48.0, 50.5, 49.5, 51.5, 48.5, 50.2, 90.0]))
def test_when_it_came_does_not_matter(order: list[float]) -> None:
    """In whatever order, the same samples are unusual."""
    assert unusual(order) == [90.0]
