"""Laws of the rivals: each keeps its own rule on series made by hand."""

from collections.abc import Callable, Iterable

import pytest

from brownout.simulate.contender import Contender
from brownout.simulate.rivals.earlyoom import EarlyOom
from brownout.simulate.rivals.kubelet import Kubelet
from brownout.simulate.rivals.no_forecast import NoForecast
from brownout.simulate.rivals.plain_regression import PlainRegression
from brownout.simulate.rivals.reactive import Reactive
from tests.simulate.boxes import make_seen

EVERYBODY: tuple[Callable[[], Contender], ...] = (PlainRegression, NoForecast, Kubelet, Reactive, EarlyOom)


def first_move(contender: Contender, totals: Iterable[float], rungs: tuple[int, ...] = (0, 0, 0, 0)) -> object:
    """Give the tick and the choice of the first move, on totals that nothing changes."""
    chosen = ((tick, contender.choose(make_seen(tick, total, rungs))) for tick, total in enumerate(totals))
    return next(((tick, dict(choice)) for tick, choice in chosen if choice), None)


def test_without_a_forecast_one_goes_a_tick_in_order_and_returns_in_reverse() -> None:
    """Down voice, android, discord at or above 80 %, back the other way below 65, and nothing in between."""
    rule = NoForecast()
    assert [dict(rule.choose(make_seen(0, 80.0, rungs))) for rungs in ((0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0))] == [
        {"voice": 1},
        {"android": 1},
        {"discord": 1},
    ]
    assert dict(rule.choose(make_seen(0, 64.9, (1, 1, 1, 0)))) == {"discord": 0}
    assert not rule.choose(make_seen(0, 65.0, (1, 1, 1, 0)))
    assert not rule.choose(make_seen(0, 79.9))


@pytest.mark.parametrize("make", [PlainRegression, NoForecast])
def test_at_95_everything_but_the_stubs_goes(make: Callable[[], Contender]) -> None:
    """At once."""
    assert dict(make().choose(make_seen(0, 95.0))) == {"voice": 1, "android": 1, "discord": 1}


@pytest.mark.parametrize("make", EVERYBODY)
def test_no_rival_takes_the_stubs(make: Callable[[], Contender]) -> None:
    """They are essential: at 100 % with everything else off there is nothing left to do."""
    assert first_move(make(), [100.0] * 30, (1, 1, 1, 0)) is None


@pytest.mark.parametrize("make", EVERYBODY)
def test_at_50_percent_with_everything_on_no_rival_moves(make: Callable[[], Contender]) -> None:
    """There is nothing to do."""
    assert first_move(make(), [50.0] * 30) is None


def test_the_plain_regression_acts_before_80_on_a_straight_rise() -> None:
    """Rising by 1 a tick it foresees 80 ten ticks before, smoothed a little later; it is at 71 then."""
    rule = PlainRegression()
    found = first_move(rule, [float(value) for value in range(50, 80)])
    assert found == (21, {"voice": 1})


def test_the_plain_regression_does_not_return_what_is_measured_above_65() -> None:
    """Though its line, falling, is far below."""
    falling = [79.0 - 0.2 * tick for tick in range(69)]
    assert first_move(PlainRegression(), falling, (1, 0, 0, 0)) is None


def test_the_plain_regression_acts_on_what_is_measured_too() -> None:
    """A jump to 85 is acted on at once, though the line through 30 calm points is still far below 80."""
    rule = PlainRegression()
    assert first_move(rule, [*[40.0] * 30, 85.0]) == (30, {"voice": 1})
    assert rule.told is not None
    assert rule.told.value is not None
    assert rule.told.value < 70.0


@pytest.mark.parametrize(("calm", "forgotten"), [(49, False), (60, True)])
def test_the_plain_regression_looks_at_50_points(calm: int, forgotten: bool) -> None:  # noqa: FBT001 - a column
    """What lies further back is forgotten, but for what smoothing keeps of it (0.3 to the tenth)."""
    rule = PlainRegression()
    for tick, total in enumerate([90.0, *[50.0] * calm]):
        rule.choose(make_seen(tick, total))
    assert rule.told is not None
    assert (rule.told.value == pytest.approx(50.0, abs=1e-3)) is forgotten


def test_the_kubelet_evicts_after_90_s_and_brings_back_after_5_min() -> None:
    """The third look in a row at or above 80, the tenth below it; an interruption starts the count again."""
    assert first_move(Kubelet(), [80.0] * 5) == (2, {"voice": 1})
    assert first_move(Kubelet(), [80.0, 80.0, 79.0] * 5) is None
    assert first_move(Kubelet(), [79.9] * 12, (1, 1, 0, 0)) == (9, {"android": 0})


def test_reactive_waits_for_65() -> None:
    """It acts as late as the kubelet, and returns only below 65 %."""
    assert first_move(Reactive(), [80.0] * 5) == (2, {"voice": 1})
    assert first_move(Reactive(), [65.0] * 30, (1, 0, 0, 0)) is None
    assert first_move(Reactive(), [64.9] * 12, (1, 1, 0, 0)) == (9, {"android": 0})


def test_earlyoom_ends_the_largest_at_95_and_it_is_started_again_5_min_later() -> None:
    """Whether it fits or not."""
    rule = EarlyOom()
    assert not rule.choose(make_seen(0, 94.9))
    assert dict(rule.choose(make_seen(1, 95.0))) == {"voice": 1}
    assert dict(rule.choose(make_seen(2, 95.0, (1, 0, 0, 0)))) == {"android": 1}
    assert not rule.choose(make_seen(10, 90.0, (1, 1, 0, 0)))
    assert dict(rule.choose(make_seen(11, 90.0, (1, 1, 0, 0)))) == {"voice": 0}
    assert dict(rule.choose(make_seen(12, 90.0, (0, 1, 0, 0)))) == {"android": 0}
