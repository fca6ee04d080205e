"""A track record: weights follow from errors, the mixture from the weights."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.core.forecasting.coverage import Coverage
from brownout.core.forecasting.residuals import KEPT
from brownout.core.forecasting.track import ENOUGH, Made, Track
from tests.core.forecasting.series import fed_panel, make_ar1, make_noise, make_steps, make_walk

PERCENT = st.floats(0.0, 100.0)


def _track(steps: int = 1, *, voter: int | None = None) -> Track:
    return Track(steps=steps, coverage=Coverage.of(90.0), voter=voter)


def _walked(track: Track, rounds: Sequence[tuple[tuple[float, ...], float]]) -> Track:
    """Give it what the candidates say, and then what came of the oldest of that."""
    for values, truth in rounds:
        track = track.foretell(values).resolve(truth)
    return track


@settings(max_examples=40)
@given(rounds=st.lists(st.tuples(st.tuples(PERCENT, PERCENT, PERCENT), PERCENT), max_size=40))
def test_weights_are_shares(rounds: list[tuple[tuple[float, float, float], float]]) -> None:
    """There are none before ten errors; then they are at least 0, 1 in all, and the best has the most."""
    track = _walked(_track(), rounds)
    weights = track.weights()
    assert bool(weights) is (track.resolved >= ENOUGH)
    if weights:
        assert sum(weights) == pytest.approx(1.0)
        assert min(weights) >= 0.0
        best = min(range(3), key=track.errors.__getitem__)
        assert weights[best] == max(weights)


@settings(max_examples=40)
@given(rounds=st.lists(st.tuples(st.tuples(PERCENT, PERCENT), PERCENT), min_size=10, max_size=40), now=PERCENT)
def test_the_mixture_lies_between_its_candidates(rounds: list[tuple[tuple[float, float], float]], now: float) -> None:
    """It is a weighted mean, nearer to the better one."""
    track = _walked(_track(), rounds).foretell((now, 100.0 - now))
    assert min(now, 100.0 - now) - 1e-9 <= track.newest.mixed <= max(now, 100.0 - now) + 1e-9


def test_before_there_are_errors_the_last_value_speaks() -> None:
    """The first candidate alone, whatever the others say."""
    track = _track(10).foretell((50.0, 99.0, 1.0))
    assert track.newest.mixed == 50.0


def test_half_the_error_is_nearly_all_of_the_weight() -> None:
    """By the 16th power a candidate with twice the error of another counts for 1 in 65 536."""
    track = _walked(_track(), [((52.0, 51.0), 50.0)] * 20)
    bad, good = track.weights()
    assert good > 0.9999
    assert bad == pytest.approx((1.001 / 2.001) ** 16, rel=0.01)


def test_where_nothing_moves_all_count_alike() -> None:
    """Errors of nothing tell nobody from anybody."""
    track = _walked(_track(), [((50.0, 50.0, 50.0), 50.0)] * 20)
    assert track.weights() == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_a_forecast_meets_its_future_when_it_is_there() -> None:
    """At three steps ahead the first is resolved by the third value after it, never by an earlier one."""
    track = _track(3)
    for index, truth in enumerate((1.0, 2.0, 3.0, 4.0)):
        track = track.resolve(truth).foretell((10.0 * index,))
        assert track.resolved == max(0, index - 2)
    assert track.residuals.recent == (4.0 - 0.0,)
    assert len(track.made) == 3


def test_the_pinned_one_speaks_alone() -> None:
    """However bad it is, where the owner has chosen it."""
    track = _walked(_track(voter=1), [((50.0, 99.0), 50.0)] * 20).foretell((50.0, 99.0))
    assert (track.weights(), track.newest.mixed) == ((0.0, 1.0), 99.0)


def test_a_gap_drops_what_is_in_hand_and_nothing_else() -> None:
    """Forecasts of before it are about another world; errors, residuals and coverage stay."""
    track = _walked(_track(2), [((50.0, 51.0), 52.0)] * 20)
    after = track.broken()
    assert after.made == ()
    assert (after.errors, after.residuals, after.coverage, after.resolved) == (
        track.errors,
        track.residuals,
        track.coverage,
        track.resolved,
    )


def test_its_memory_is_bounded() -> None:
    """After any time it holds its residuals and the forecasts in hand."""
    track = _walked(_track(5), [((50.0, 51.0), 52.0)] * 1000)
    assert len(track.residuals.recent) == KEPT
    assert len(track.made) <= 5
    assert isinstance(track.made[0], Made)


#: What the mixture may cost beside the candidate that was best in hindsight, over 900 points after 300 to warm up.
SERIES = {
    "a walk": (make_walk(1200), 1.1),
    "noise": (make_noise(1200), 1.1),
    "noise that forgets": (make_ar1(1200), 1.1),
    "a step each 50 min": (make_steps(1200), 1.1),
    # One step in ten hours of hardly any noise is all of the error there is, and nothing before it told who meets it
    # best: measured 1.20.
    "one step": ([*make_noise(600, level=40.0, sd=0.3), *make_noise(600, level=60.0, sd=0.3, seed=2)], 1.25),
}


@pytest.mark.parametrize("name", SERIES)
def test_the_mixture_is_nearly_as_good_as_the_best(name: str) -> None:
    """Nobody knows beforehand which candidate will be best: the mixture costs at most a tenth more than that one."""
    values, bound = SERIES[name]
    panel, mixed, each = fed_panel(values[:300]), 0.0, [0.0] * 13
    for value in values[300:]:
        due = panel.tracks[-1].made[0]
        mixed += abs(value - due.mixed)
        each = [total + abs(value - said) for total, said in zip(each, due.values, strict=True)]
        panel = fed_panel([value], panel=panel)
    assert mixed <= bound * min(each)
