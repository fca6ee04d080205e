"""Laws of worth: the owner's figures win, and without them the order of priorities and of levels decides."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.ladder import Ladder, ladder_of
from brownout.core.worth import LEAST_WEIGHT, MOST_WEIGHT, value_of, weights_of
from tests.builders import make_integration


def weights(*priorities: int) -> list[float]:
    """The weights of integrations with these priorities, in this order."""
    made = {f"it-{place}": make_integration(f"it-{place}", priority=it) for place, it in enumerate(priorities)}
    return list(weights_of(made).values())


def ladder(*values: float | None) -> Ladder:
    """A ladder whose levels are worth this much."""
    levels = [{"name": f"level-{place}", "value": value} for place, value in enumerate(values)]
    return ladder_of(make_integration(levels=levels))


def test_the_benchmarks_four_weigh_what_the_benchmark_says() -> None:
    """Four priorities are worth 1, 2, 3 and 4, whatever the distance between them."""
    assert weights(10, 20, 30, 1000) == [1.0, 2.0, 3.0, 4.0]


def test_equal_priorities_weigh_the_same() -> None:
    """The rank is of the priority, not of the integration; all alike weigh 1."""
    assert weights(20, 10, 20, 10) == [2.0, 1.0, 2.0, 1.0]
    assert weights(7, 7) == [1.0, 1.0]


def test_more_than_four_are_spread_evenly_from_1_to_4() -> None:
    """Seven priorities are half a point apart."""
    assert weights(*range(7)) == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0])


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30))
def test_who_goes_later_never_weighs_less(priorities: list[int]) -> None:
    """A higher priority weighs more, an equal one the same, and all lie between 1 and 4."""
    found = sorted(zip(priorities, weights(*priorities), strict=True))
    for (low, light), (high, heavy) in pairwise(found):
        assert light == heavy if low == high else light < heavy
    assert all(LEAST_WEIGHT <= weight <= MOST_WEIGHT for _, weight in found)


def test_the_owners_weight_wins_and_its_priority_still_ranks() -> None:
    """Who has a weight of its own does not move the others."""
    made = {
        "voice": make_integration("voice", priority=10, weight=7.5),
        "android": make_integration("android", priority=20),
    }
    assert weights_of(made) == {"voice": 7.5, "android": 2.0}


def test_what_nobody_wants_costs_nothing_and_ranks_nobody() -> None:
    """Its owner has switched voice off: its weight is 0, whatever it says, and android is the first that may go."""
    made = {
        "voice": make_integration("voice", priority=10, enabled=False, weight=3.0),
        "android": make_integration("android", priority=20),
    }
    assert weights_of(made) == {"voice": 0.0, "android": 1.0}
    assert weights_of({}) == {}


def test_levels_are_evenly_spaced_down_to_off() -> None:
    """Without levels on is 1 and off 0; of three levels the second gives two thirds."""
    assert [value_of(Ladder(), rung) for rung in (0, 1)] == [1.0, 0.0]
    assert [value_of(ladder(None, None, None), rung) for rung in range(4)] == pytest.approx([1.0, 2 / 3, 1 / 3, 0.0])


def test_the_owners_value_of_a_level_wins() -> None:
    """It changes that level alone; off is 0 whatever is said."""
    assert [value_of(ladder(None, 0.9, None), rung) for rung in range(5)] == pytest.approx([1.0, 0.9, 1 / 3, 0.0, 0.0])
    assert value_of(ladder(1.0, 0.0), 1) == 0.0
