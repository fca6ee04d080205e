"""Whether completion is still possible: unknown of too little, right of what is known, and honest in between."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget.completion import Completion, completion
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.points import MOST_POINTS, Point, added
from brownout.core.budget.usage import Usage
from tests.core.budget import drawn


def even(rate: int, steps: int) -> list[Point]:
    """Points of a run that uses so many tokens for each tenth of its work."""
    return [Point(progress=step / 10, usage=Usage(tokens=rate * step)) for step in range(1, steps + 1)]


@pytest.mark.parametrize(("limit", "possible", "stop"), [(1001, True, None), (999, False, Measure.TOKENS)])
def test_of_even_work_the_need_is_known(limit: int, *, possible: bool, stop: Measure | None) -> None:
    """100 tokens a tenth make 1000."""
    found = completion(Limits(tokens=limit), even(100, 5))
    assert (found.possible, found.likely_stop) == (possible, stop)
    assert found.estimates[Measure.TOKENS].needed == pytest.approx(1000)
    assert bool(found) is possible


@given(st.integers(0, 3), st.integers(1, 10**6))
def test_of_too_little_nothing_is_said(steps: int, limit: int) -> None:
    """Fewer than four steps tell nothing of the scatter, as long as no limit is reached."""
    found = completion(Limits(tokens=limit + 3000), even(100, steps))
    assert (found.possible, found.estimates) == (None, {})
    assert "needs 4" in found.message
    assert found  # not known to be impossible


def test_a_limit_within_the_interval_is_not_decided() -> None:
    """Uneven work, a limit at what is expected: it may or may not fit."""
    points = [Point(progress=step / 10, usage=Usage(tokens=100 * step + 40 * (step % 2))) for step in range(1, 6)]
    found = completion(Limits(tokens=1010), points)
    estimate = found.estimates[Measure.TOKENS]
    assert estimate.lower < 1010 < estimate.upper
    assert found.possible is None


def test_the_limit_that_is_hit_first_is_named() -> None:
    """Both do not suffice; API calls end first."""
    points = [Point(progress=p / 10, usage=Usage(tokens=100 * p, api_calls=p)) for p in range(1, 6)]
    assert completion(Limits(tokens=900, api_calls=6), points).likely_stop is Measure.API_CALLS


def test_a_reached_limit_makes_completion_impossible_and_work_done_needs_nothing() -> None:
    """At the limit with work left: no. All done within the limit: yes, from one point."""
    assert completion(Limits(tokens=500), even(100, 5)).possible is False
    assert completion(Limits(tokens=500), [Point(progress=1.0, usage=Usage(tokens=500))]).possible is True
    assert completion(Limits(tokens=499), [Point(progress=1.0, usage=Usage(tokens=500))]).possible is False
    assert completion(Limits(), []).possible is True


@given(drawn.limits(), st.lists(st.tuples(st.floats(0.0, 1.0), drawn.usages(100)), max_size=20))
def test_any_history_has_an_answer_in_order(limits: Limits, steps: list[tuple[float, Usage]]) -> None:
    """Whatever was recorded, even progress that fell: lower, needed and upper are in order, none below what is used."""
    used, points = Usage(), []
    for progress, more in steps:
        used += more
        points.append(Point(progress=progress, usage=used))
    found: Completion = completion(limits, points)
    for measure, estimate in found.estimates.items():
        assert used.of(measure) <= estimate.lower <= estimate.upper
        assert estimate.needed <= estimate.upper


def test_the_interval_holds_what_it_promises() -> None:
    """Of 1000 runs whose work scatters, at half of it the 90 % interval holds the true need in 85 to 95 %."""
    draw, held = random.Random(7), 0
    for _ in range(1000):
        costs = [draw.expovariate(1 / 300) + draw.expovariate(1 / 300) for _ in range(40)]
        points = [Point(progress=n / 40, usage=Usage(tokens=int(sum(costs[:n])))) for n in range(1, 21)]
        estimate = completion(Limits(tokens=10**9), points).estimates[Measure.TOKENS]
        held += estimate.lower <= sum(costs) <= estimate.upper
    assert 850 <= held <= 950


@given(st.integers(1, 500))
def test_points_stay_few_and_keep_the_whole_run_in_view(count: int) -> None:
    """At most 64, the newest always last."""
    points: tuple[Point, ...] = ()
    for number in range(1, count + 1):
        points = added(points, Point(progress=number / count, usage=Usage(tokens=number)))
    assert len(points) <= MOST_POINTS
    assert points[-1].progress == 1.0
    assert points[0].progress <= max(1 / count, 0.2)
