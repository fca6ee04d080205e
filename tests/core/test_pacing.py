"""How soon the sentinel looks again: the nearer the edge and the faster the fill, the sooner."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.pacing import FASTEST_S, fill_rate, pause_s

PERCENT = st.floats(0.0, 120.0)


def _pause(before: float | None, used: float | None, *, elapsed_s: float = 1.0, slowest_s: float = 1.0) -> float:
    rate = fill_rate(before, used, elapsed_s=elapsed_s)
    return pause_s(used, rate=rate, edge_percent=95.0, slowest_s=slowest_s)


@given(before=PERCENT, used=PERCENT, elapsed_s=st.floats(0.0, 60.0), slowest_s=st.floats(0.1, 10.0))
def test_it_stays_within_its_bounds(before: float, used: float, elapsed_s: float, slowest_s: float) -> None:
    """Never faster than ten times a second, never slower than the policy says."""
    assert FASTEST_S <= _pause(before, used, elapsed_s=elapsed_s, slowest_s=slowest_s) <= slowest_s


@given(before=PERCENT, rise=st.floats(0.0, 50.0), more=st.floats(0.0, 50.0))
def test_a_faster_fill_is_looked_at_sooner(before: float, rise: float, more: float) -> None:
    """From the same start, more in the same time never means a longer pause."""
    assert _pause(before, before + rise + more) <= _pause(before, before + rise) + 1e-9


@given(used=st.floats(0.0, 94.0), rate=st.floats(0.001, 60.0))
def test_there_is_a_look_before_the_edge(used: float, rate: float) -> None:
    """At a steady rate it looks again before 95 % is reached, as far as ten looks a second can."""
    pause = _pause(max(0.0, used - rate), used, elapsed_s=min(rate, used) / rate if used else 1.0)
    assert pause <= max(FASTEST_S, (95.0 - used) / rate)


def test_over_the_edge_it_looks_as_fast_as_it_can() -> None:
    """No headroom is no time."""
    assert _pause(90.0, 96.0) == FASTEST_S


@pytest.mark.parametrize(
    ("before", "used"), [(None, 80.0), (80.0, None), (math.nan, 80.0), (80.0, -1.0), (80.0, 80.0), (80.0, 70.0)]
)
def test_without_a_fill_there_is_no_hurry(before: float | None, used: float | None) -> None:
    """What stands still, falls or cannot be read is looked at at the usual pace."""
    assert _pause(before, used) == 1.0


def test_no_time_between_two_looks_is_no_rate() -> None:
    """Nothing is divided by nothing."""
    assert _pause(10.0, 90.0, elapsed_s=0.0) == 1.0


@given(used=st.floats(60.0, 94.9), burst=st.floats(0.5, 30.0))
def test_a_look_between_two_bursts_is_no_calm(used: float, burst: float) -> None:
    """Memory that is taken in steps shows a flat look between two: the next one comes at most twice as late."""
    rate = fill_rate(used - burst, used, elapsed_s=0.1)
    flat = fill_rate(used, used, elapsed_s=0.1, held=rate)
    in_hurry, after = (pause_s(used, rate=one, edge_percent=95.0, slowest_s=1.0) for one in (rate, flat))
    assert after <= 2.0 * in_hurry


def test_calm_returns_when_nothing_more_comes() -> None:
    """A burst is forgotten within some looks, so that a calm box is looked at once a second."""
    rate, pauses = fill_rate(60.0, 90.0, elapsed_s=0.5), []
    for _ in range(12):
        rate = fill_rate(90.0, 90.0, elapsed_s=1.0, held=rate)
        pauses.append(pause_s(90.0, rate=rate, edge_percent=95.0, slowest_s=1.0))
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0
