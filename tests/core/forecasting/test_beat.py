"""Beats: a load that bends on the clock is known between two bends, and nothing is claimed of any other."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.forecasting import track
from brownout.core.forecasting.beat import LOST, MEMORY, QUIET_ENOUGH, Beat, Bends
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.path import Spread
from brownout.core.forecasting.signals import Signals
from tests.core.forecasting.series import STEP_S, fed_panel, make_ar1, make_noise, make_ramps, make_steps, make_walk
from tests.worlds import NOW, make_dice, make_residuals

LONG = MEMORY + QUIET_ENOUGH
OTHERS: dict[str, Callable[[int], Sequence[float]]] = {
    "noise": lambda seed: make_noise(3 * LONG, seed=seed),
    "a walk": lambda seed: make_walk(3 * LONG, seed=seed),
    "memory that forgets": lambda seed: make_ar1(3 * LONG, seed=seed),
    "levels": lambda seed: make_steps(3 * LONG, seed=seed, every=37),
    "bends at no time of the clock": lambda seed: make_ramps(3 * LONG, seed=seed, every=7),
    "stands still": lambda _: [50.0] * LONG,
}


def _seen(values: Sequence[float], *, step_s: float = STEP_S, gaps: Sequence[int] = ()) -> tuple[Bends, Signals]:
    """Give what was seen of points `step_s` apart; those at the places of `gaps` are missing."""
    bends, signals = Bends.blank(step_s), Signals()
    for index, value in enumerate(values):
        if index not in gaps:
            signals = signals.add(NOW + step_s * index, value)
            bends = bends.after(signals, step_s=step_s)
    return bends, signals


@settings(max_examples=25)
@given(
    every=st.sampled_from([2, 4, 10, 20]), first=st.integers(0, 19), seed=st.integers(1, 99), more=st.integers(0, 19)
)
def test_a_beat_is_found_and_the_next_value_known_between_two_bends(
    every: int, first: int, seed: int, more: int
) -> None:
    """Whatever its place: the value lies within what little was left between bends before. On a bend none is told."""
    values = make_ramps(2 * LONG + more + 1, seed=seed, every=every, first=first, noise=0.005)
    bends, signals = _seen(values[:-1])
    index = len(values) - 1  # of the newest point, from 1, as they are numbered
    assert bends.beat == Beat(period=every, places=((first + 1) % every,))
    ahead = bends.ahead(signals)
    if bends.beat.at(index):
        assert ahead is None
    else:
        assert ahead is not None
        assert ahead.quantile(0.0) - 0.1 <= values[-1] <= ahead.quantile(1.0) + 0.1
        assert ahead.quantile(1.0) - ahead.quantile(0.0) < 0.5


@pytest.mark.parametrize("every", [4, 10, 20])
def test_bends_between_two_looks_take_two_places(every: int) -> None:
    """A minute begins when nobody looks: the points on both sides of it are shunned."""
    bends, _ = _seen(make_ramps(2 * LONG, every=every, first=1, later=0.5))
    assert bends.beat == Beat(period=every, places=(2 % every, 3 % every))


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("seed", range(1, 5))
def test_no_other_load_has_a_beat(kind: str, seed: int) -> None:
    """Neither noise nor walks nor levels nor bends every 3.5 minutes are taken for one, at any time."""
    bends, signals = Bends.blank(STEP_S), Signals()
    for index, value in enumerate(OTHERS[kind](seed)):
        signals = signals.add(NOW + STEP_S * index, value)
        bends = bends.after(signals, step_s=STEP_S)
        assert bends.beat is None, index


def test_a_beat_that_ends_is_forgotten() -> None:
    """Of a load that walks from now on nothing is claimed once the memory holds nothing else; a new beat is found."""
    ramps, walk = make_ramps(LONG, every=10), make_walk(MEMORY, step=3.0)
    assert _seen(ramps)[0].beat == Beat(period=10, places=(1,))
    assert _seen([*ramps, *walk])[0].beat is None
    found = _seen([*ramps, *walk, *make_ramps(2 * LONG, every=4)])[0].beat
    assert found is not None
    assert found.period == 4


def test_what_was_quiet_under_another_beat_is_not_believed() -> None:
    """The figures start anew with it: until there are enough, no next value is told."""
    bends, signals = _seen(make_ramps(LONG, every=10))
    other = replace(bends, beat=None)
    changed = other.after(signals.add(signals.at + STEP_S, signals.value), step_s=STEP_S)
    assert changed.beat == bends.beat
    assert changed.between.count <= 1
    assert changed.ahead(signals) is None


@pytest.mark.parametrize("missing", [1, 2, 9, 10, 33])
def test_the_count_goes_on_over_a_gap(missing: int) -> None:
    """Points that nobody took do not shift the beat, and no bend is read across the hole."""
    start = LONG + 5
    values = make_ramps(start + missing + 40, every=10)
    bends, _ = _seen(values, gaps=range(start, start + missing))
    assert bends.beat == Beat(period=10, places=(1,))
    assert max(map(abs, bends.between.recent)) < 1e-6


def test_looks_that_come_a_little_early_or_late_do_not_shift_the_count() -> None:
    """Nor where some are missing between them: it is that of the steps that have passed."""
    dice, bends, signals = make_dice(), Bends.blank(STEP_S), Signals()
    for index in (each for each in range(300) if each % 7 != 3):
        signals = signals.add(NOW + STEP_S * index + dice.uniform(-4.0, 4.0), 50.0)
        bends = bends.after(signals, step_s=STEP_S)
    assert bends.index == 300


def test_a_place_of_the_beat_is_shunned_however_little_it_bends_there() -> None:
    """It is one of two that stand on both sides of where the load bends."""
    row = (0.0, 0.0, 95.0, 5.0, *[0.0] * 6)
    beat, quiet = Beat(period=10, places=(2, 3)), make_residuals(*[0.0] * QUIET_ENOUGH)
    bends = Bends(sizes=(row,), beat=beat, in_turn=True, between=quiet)
    signals = Signals().add(NOW, 50.0)
    assert [replace(bends, index=index).ahead(signals) is not None for index in (2, 3, 4)] == [False, False, True]


def test_one_huge_bend_ends_no_beat() -> None:
    """It counts as some bends, not as dozens: what takes 60 points once leaves the clock as it is."""
    values = [value + 60.0 * (index >= LONG + 5) for index, value in enumerate(make_ramps(LONG + 50, every=10))]
    assert _seen(values)[0].beat == Beat(period=10, places=(1,))


def test_what_is_usual_is_the_mean_of_the_last_hours() -> None:
    """From the first bends on, and no longer that of yesterday once a day was calmer."""
    wild, calm = [50.0 + index % 2 for index in range(900)], [50.0 + 0.1 * (index % 2) for index in range(600)]
    assert _seen(wild[:10])[0].usual == pytest.approx(2.0)
    assert _seen([*wild, *calm])[0].usual == pytest.approx(0.2 + 1.8 * math.exp(-2.0), abs=0.02)


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("phase", range(10))
def test_nothing_is_told_until_three_points_stand_in_a_row_again(missing: int, phase: int) -> None:
    """Over a hole the rise of two steps looks like that of one: the next value would be told twice too far ahead."""
    back = LONG + phase + missing  # the first that is there again
    values = make_ramps(back + 3, every=10)
    for there, told in ((1, False), (2, False), (3, True)):
        bends, signals = _seen(values[: back + there], gaps=range(LONG + phase, back))
        assert bends.beat is not None
        assert (bends.ahead(signals) is not None) is (told and not bends.beat.at(bends.index))


def _told(values: Sequence[float], *, step_s: float = STEP_S) -> list[tuple[float, float]]:
    """Give what was told of each next value that was, and what it came to be."""
    bends, signals, told = Bends.blank(step_s), Signals(), list[tuple[float, float]]()
    for index, (value, coming) in enumerate(pairwise(values)):
        signals = signals.add(NOW + step_s * index, value)
        bends = bends.after(signals, step_s=step_s)
        if ahead := bends.ahead(signals):
            told.append((ahead.quantile(0.5), coming))
    return told


@pytest.mark.parametrize("jump", [6.0, -6.0, 2.0])
@pytest.mark.parametrize("phase", [0, 2, 3, 6, 9])  # at 1 it is a bend of the beat, and cannot be told apart
def test_a_jump_out_of_turn_is_not_carried_on(phase: int, jump: float) -> None:
    """A program starts once: nothing is told until it has come to rest, and what is told then is true."""
    start = LONG + phase
    values = [value + jump * (index >= start) for index, value in enumerate(make_ramps(start + 30, every=10))]
    told = _told(values)
    wrong = [known for known, coming in told if known != pytest.approx(coming, abs=0.01)]
    assert len(wrong) == 1  # the jump itself, which nobody can know of
    assert len(told) > 0.8 * (start + 30 - 200 - QUIET_ENOUGH)


@pytest.mark.parametrize(("step_s", "every"), [(10.0, 30), (30.0, 20), (30.0, 10)])
@pytest.mark.parametrize("deep", [12.0, -12.0])
def test_what_bends_at_three_places_is_known_at_none_of_them(step_s: float, every: int, deep: float) -> None:
    """A dip of one step: two of its places make the beat, and the third, too rare for any band, is shunned as well."""
    told = _told([60.0 - deep * (index % every == 7) for index in range(3 * LONG)], step_s=step_s)
    assert len(told) > LONG
    assert all(known == coming for known, coming in told)


@pytest.mark.parametrize(
    ("step_s", "periods"), [(30.0, [2, 4, 10, 20]), (10.0, [6, 12, 30]), (60.0, [2, 5, 10]), (7.0, [])]
)
def test_only_whole_periods_that_the_memory_can_hold_are_looked_for(step_s: float, periods: list[int]) -> None:
    """One, two, five and ten minutes, where they are at least 2 and at most 30 points."""
    assert [len(row) for row in Bends.blank(step_s).sizes] == periods


def _next(panel: Panel) -> Spread | None:
    path = panel.path()
    assert path is not None
    return path.next


def test_the_path_tells_the_next_value_unless_the_line_is_pinned() -> None:
    """The owner's rule is the only one that may be acted on where it was chosen (requirement F1)."""
    values = make_ramps(LONG + 5, every=10)
    assert _next(fed_panel(values)) is not None
    assert _next(fed_panel(values, Forecasting.model_validate({"model": "Linear"}))) is None


def test_points_stand_as_far_apart_as_the_panel_takes_them() -> None:
    """A look every 2 s is one every 6 s to a horizon of 5 min, and a beat of 2 min has 20 points."""
    panel = Panel.blank(Forecasting(), interval_s=2.0)
    for index, value in enumerate(make_ramps(LONG + 5, every=20)):
        panel = panel.seen(NOW + 6.0 * index, value)
    assert panel.bends.beat == Beat(period=20, places=(1,))
    assert _next(panel) is not None


def test_the_chance_of_the_next_step_is_that_of_the_beat() -> None:
    """Prices read it first: it is nearly 0 or 1 where the errors of the bends would leave it open."""
    values = make_ramps(LONG + 5, every=10)
    path = fed_panel(values).path()
    assert path is not None
    assert path.next is not None
    for level in (path.next.value - 0.5, path.next.value + 0.5):
        assert path.at_or_above(level)[0] == path.next.at_or_above(level) != path.spreads[0].at_or_above(level)
        assert path.at_or_above(level)[1:] == replace(path, next=None).at_or_above(level)[1:]  # all later ones as ever


def test_a_few_quiet_points_tell_nothing() -> None:
    """The band is as good as what it rests on: 60 of them, beside 200 that the beat was found in."""
    bends, signals, values = Bends.blank(STEP_S), Signals(), make_ramps(LONG, every=10)
    for index, value in enumerate(values):
        signals = signals.add(NOW + STEP_S * index, value)
        bends = bends.after(signals, step_s=STEP_S)
        if bends.ahead(signals) is not None:
            break
    assert bends.between.count == 60
    assert bends.count > 260


def test_bends_look_back_as_far_as_the_errors_do() -> None:
    """So that both are of the same load."""
    assert MEMORY == track.MEMORY


def test_the_bounds_of_finding_leave_no_room_to_waver() -> None:
    """A beat is lost below what it was found at, so that it does not come and go with every point."""
    assert LOST < 0.7
