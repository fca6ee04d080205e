"""Expected cost: the programme finds what trying every way finds, and its prices mean what they say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.policy import Costs, Thresholds
from brownout.core.expected_cost import (
    MOST_PLACES,
    REACH,
    START_STEPS,
    Line,
    Place,
    Prices,
    cheapest,
    expected_minutes,
    thinned,
)
from brownout.core.forecasting.path import Path
from tests.worlds import make_path


def _prices(pressure: float = 5.0, emergency: float = 20.0, switch: float = 3.0) -> Prices:
    costs = Costs.model_validate({"pressure": pressure, "emergency": emergency, "switch": switch})
    return Prices(costs=costs, thresholds=Thresholds())


def _line(*steps: tuple[float, float], ours: float = 26.0) -> Line:
    """Make the line of steps down: each takes so many per cent off, and loses so much service a minute."""
    lost, places = 0.0, []
    for size, worth in (*steps, (0.0, 0.0)):
        places.append(Place(ours_percent=ours, lost_per_min=lost, returning=worth))
        ours, lost = ours - size, lost + worth
    return _of(*places)


def _of(*places: Place) -> Line:
    ours, lost, returning = zip(*places, strict=True)
    return Line(ours_percent=ours, lost_per_min=lost, returning=returning)


THE_FOUR = _line((12.0, 1.0), (8.0, 2.0), (5.0, 3.0))

STEPS = st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 4.0)), min_size=1, max_size=3)
LINES = STEPS.map(lambda steps: _line(*steps))
PATHS = st.builds(
    lambda values, half: make_path(*values, half=half, count=7),
    st.lists(st.floats(30.0, 80.0), min_size=1, max_size=5),
    st.floats(0.1, 8.0),
)
PRICES = st.builds(_prices, st.floats(0.0, 20.0), st.floats(0.0, 50.0), st.floats(0.0, 10.0))


def _cost(way: Sequence[int], line: Line, path: Path, prices: Prices, *, at: int) -> float:
    """Add up one way: switches, minutes at each place, and in the end the price of coming back up to the top."""
    minutes = [prices.per_minute(path, place) for place in map(line.__getitem__, range(len(line)))]
    total = sum(path.step_s / 60.0 * minutes[place][step] for step, place in enumerate(way))
    return total + sum(_switch(line, prices, before, after, path) for before, after in pairwise((at, *way, 0)))


def _switch(line: Line, prices: Prices, before: int, after: int, path: Path) -> float:
    switches = prices.costs.switch * abs(after - before)
    start_min = START_STEPS * path.step_s / 60.0
    return switches + sum(start_min * line[place].returning for place in range(after, before))


def _ways(line: Line, path: Path) -> Iterator[tuple[int, ...]]:
    return product(range(len(line)), repeat=max(1, round(REACH * path.steps)))


@settings(max_examples=40)
@given(line=LINES, path=PATHS, prices=PRICES, data=st.data())
def test_it_is_what_trying_every_way_finds(line: Line, path: Path, prices: Prices, data: st.DataObject) -> None:
    """The best first place is the first of a cheapest way through all places and steps; to stay wins a tie."""
    at = data.draw(st.integers(0, len(line) - 1))
    least: dict[int, float] = {}
    for way in _ways(line, path):
        least[way[0]] = min(least.get(way[0], float("inf")), _cost(way, line, path, prices, at=at))
    best, found = min(least.values()), cheapest(line, path, prices, at=at)
    assert least[found] == pytest.approx(best, abs=1e-6)
    assert found == at or least[at] > best


@settings(max_examples=40)
@given(
    steps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), min_size=1, max_size=3),
    path=PATHS,
    price=st.integers(0, 10),
    factor=st.sampled_from([0.125, 4.0, 64.0]),
    data=st.data(),
)
def test_a_load_that_runs_faster_is_met_alike(
    steps: list[tuple[int, int]], path: Path, price: int, factor: float, data: st.DataObject
) -> None:
    """With so many times the looks and each switch at so much less, the choice is the same: a start is told in steps.

    Whole numbers, because costs that differ by less than a billionth are a tie at any pace.
    """
    line = _line(*steps)
    at = data.draw(st.integers(0, len(steps)))
    faster = replace(path, step_s=path.step_s / factor)
    found = cheapest(line, faster, _prices(switch=price / factor), at=at)
    assert found == cheapest(line, path, _prices(switch=price), at=at)


def test_at_the_usual_interval_a_start_takes_a_minute() -> None:
    """So every figure that was measured at 30 s stands; nothing that starts serves before the next look."""
    assert START_STEPS * make_path(40.0).step_s == 60.0
    assert START_STEPS >= 1.0


@pytest.mark.parametrize(("base", "at", "best"), [(45.0, 0, 0), (64.0, 0, 1), (72.0, 0, 2), (72.0, 3, 2)])
def test_it_gives_up_what_is_needed_and_no_more(base: float, at: int, best: int) -> None:
    """At 71 % nothing; at 90 voice, which makes 78; at 98 android too, which makes 78; discord comes back there."""
    assert cheapest(THE_FOUR, make_path(*[base] * 10, half=0.5), _prices(), at=at) == best


def test_what_is_over_soon_is_not_worth_a_switch() -> None:
    """One minute over 80 % costs 5; to go and come back costs twice 3, and a minute of a start."""
    short, long = make_path(55.0, 55.0, *[40.0] * 8, half=0.5), make_path(*[55.0] * 10, half=0.5)
    assert cheapest(THE_FOUR, short, _prices(), at=0) == 0
    assert cheapest(THE_FOUR, long, _prices(), at=0) == 1


def test_it_acts_before_it_is_there() -> None:
    """What is decided now acts at the next look: a rise that comes with that look is met, one that comes later waits,
    since each minute without voice costs 1.
    """
    assert cheapest(THE_FOUR, make_path(*[64.0] * 10, half=0.5), _prices(), at=0) == 1
    assert cheapest(THE_FOUR, make_path(*[50.0] * 4, *[64.0] * 6, half=0.5), _prices(), at=0) == 0


def test_what_is_off_comes_back_where_it_is_cheaper() -> None:
    """On a low base a minute without voice costs 1 and its return 4 once: it has to be worth it within four minutes,
    but coming back has to be paid for sooner or later, so it comes at once.
    """
    assert cheapest(THE_FOUR, make_path(*[40.0] * 10, half=0.5), _prices(), at=3) == 0
    assert cheapest(THE_FOUR, make_path(*[57.0] * 10, half=0.5), _prices(), at=3) == 1


@given(line=LINES, path=PATHS, switch=st.floats(0.0, 10.0), data=st.data())
def test_where_pressure_is_free_nothing_goes(line: Line, path: Path, switch: float, data: st.DataObject) -> None:
    """Service that is lost buys nothing then."""
    at = data.draw(st.integers(0, len(line) - 1))
    assert cheapest(line, path, _prices(0.0, 0.0, switch), at=at) <= at


@given(
    line=LINES, prices=st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 20.0)), base=st.floats(30.0, 80.0), data=st.data()
)
def test_dearer_pressure_never_keeps_more_on(
    line: Line, prices: tuple[float, float], base: float, data: st.DataObject
) -> None:
    """Looking one step ahead, the higher the price of a minute over 80 %, the more is given up."""
    at, path = data.draw(st.integers(0, len(line) - 1)), make_path(base, count=7)
    less, more = (cheapest(line, path, _prices(price), at=at) for price in sorted(prices))
    assert less <= more


def test_where_nothing_differs_it_stays() -> None:
    """To stay wins a tie, wherever it stands."""
    same = _of(*[Place(ours_percent=10.0, lost_per_min=0.0)] * 4)
    for at in range(4):
        assert cheapest(same, make_path(50.0, 50.0), _prices(switch=0.0), at=at) == at


@given(count=st.integers(1, 3000), data=st.data())
def test_thinning_keeps_what_is_near_and_both_ends(count: int, data: st.DataObject) -> None:
    """All of a short line; of a long one the ends, the present place and its neighbours, and few in all."""
    at = data.draw(st.integers(0, count - 1))
    places = thinned(count, at)
    assert places == sorted(set(places))
    assert {0, count - 1, at, max(0, at - 1), min(count - 1, at + 1)} <= set(places) <= set(range(count))
    assert len(places) == count if count <= MOST_PLACES else len(places) <= 4 * count.bit_length() + 8


def test_a_thousand_places_are_weighed_like_few() -> None:
    """On a long even line of small steps it comes to within a fifth of the place that is needed."""
    line = _line(*[(0.026, 0.004)] * 1000)
    found = cheapest(line, make_path(*[65.0] * 10, half=0.5), _prices(switch=0.0), at=0)
    # 91 % with 26 of ours: 11.5 points have to go, and each step takes 0.026.
    assert 11.5 / 0.026 <= found <= 1.3 * 11.5 / 0.026


def test_expected_minutes_are_those_of_the_plan() -> None:
    """Of five minutes four are planned: a base that is over for sure counts four, one that is under none."""
    path = make_path(*[60.0] * 10, half=1.0)
    assert expected_minutes(path, 50.0) == pytest.approx(4.0, abs=0.1)
    assert expected_minutes(path, 70.0) == pytest.approx(0.0, abs=0.1)
