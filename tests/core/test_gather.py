"""Gathering: what the members of a snapshot take, and by how much those that leak shift what is foreseen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.footprint import Footprint, Source
from brownout.core.gather import growth_bytes, snapshot_of
from brownout.core.ledger import Ledger, sampled
from brownout.core.member import Member, Presence
from tests.worlds import LIMIT, ONE_PERCENT, POLICY, make_hold, make_member, make_samples, the_four

PER_S = ONE_PERCENT / 300.0  # one point by the horizon


def _growing(name: str, points: float, **rest: Any) -> Member:
    footprint = Footprint(
        steady_bytes=ONE_PERCENT, peak_bytes=ONE_PERCENT, source=Source.MEASURED, drift_bytes_per_s=points * PER_S
    )
    return replace(make_member(name), footprints=(footprint,), **rest)


@given(points=st.lists(st.floats(-20.0, 20.0), max_size=6))
def test_only_growth_counts(points: list[float]) -> None:
    """The sum of what each that grows will hold more; one that shrinks makes no room in advance."""
    members = [_growing(f"it-{index}", each) for index, each in enumerate(points)]
    expected = sum(max(0.0, each) for each in points)
    assert growth_bytes(members, within_s=300.0) / ONE_PERCENT == pytest.approx(expected)


def test_only_what_runs_grows() -> None:
    """What stands still, or is held off, grows by nothing whatever it did when it ran."""
    stopped = _growing("voice", 5.0, observed=make_member(presence=Presence.STOPPED).observed)
    held = _growing("voice", 5.0, hold=make_hold(1))
    assert growth_bytes((stopped, held), within_s=300.0) == 0.0


@pytest.mark.parametrize("count", [5, 150])
def test_growth_shifts_the_total_and_not_the_base(count: int) -> None:
    """A leak of 4 points in 5 min: the total is foreseen 4 higher, what returns must fit on top; the base stays.

    Whether the path of the base is known already or not.
    """
    ledger = Ledger()
    for sample in make_samples(f"flat 60 x{count}"):
        ledger = sampled(ledger, sample, POLICY)
    now = ledger.sample.at if ledger.sample else 0.0
    calm, leaking = (
        snapshot_of(POLICY, ledger, (*the_four(), *more), in_flight=frozenset(), now=now).outlook
        for more in ((), (_growing("leak", 4.0),))
    )
    assert (calm.base, calm.path is None) == (leaking.base, count == 5)
    assert calm.total is not None
    assert leaking.total is not None
    assert leaking.total.value - calm.total.value == pytest.approx(4.0)
    assert leaking.total.lower - calm.total.lower == pytest.approx(4.0)
    below, above = calm.top_percent(0.5), leaking.top_percent(0.5)
    assert below is not None
    assert above is not None
    assert above == pytest.approx(below + 4.0, abs=1e-3)
    assert (leaking.measured_percent, leaking.limit_bytes) == (60.0, LIMIT)
