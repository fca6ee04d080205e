"""One look at the machine: what can be acted on, and what is not data at all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.sample import Resource, Sample, plausible


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1.0, -0.001, 1000.1, 1e308])
def test_what_is_absurd_is_unknown(value: float | None) -> None:
    """NaN, infinities, negatives and more than ten times the machine are not data."""
    assert plausible(value) is None
    assert Sample(at=0.0, memory_percent=value).percent(Resource.MEMORY) is None
    assert Sample(at=0.0, memory_percent=value).base_percent is None


@given(value=st.floats(0.0, 1000.0))
def test_what_is_possible_is_kept(value: float) -> None:
    """More than 100 % is real where the budget is smaller than what is in use."""
    assert plausible(value) == value


def test_each_resource_is_known_by_itself() -> None:
    """A CPU figure that is missing says nothing about memory."""
    sample = Sample(at=0.0, memory_percent=50.0, disk_percent=math.nan)
    assert [sample.percent(resource) for resource in Resource] == [None, 50.0, None]


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_the_base_is_the_total(limit: int | None) -> None:
    """Bytes cannot be turned into per cent of nothing, so nothing is taken off."""
    sample = Sample(at=0.0, memory_percent=50.0, memory_limit_bytes=limit, footprints={"voice": 1})
    assert sample.base_percent == 50.0
