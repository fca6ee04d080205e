"""Laws of the forecasts' scores: only the past is seen, names are distinct, and figures mean what they say."""

import math
import random
from dataclasses import replace

import pytest

from brownout.api.policy import Forecasting
from brownout.core.forecasting.panel import Panel
from brownout.simulate.forecasts import AHEAD_TICKS, LIVE, ForecastRow, forecast_rows, forecast_steps, names_of
from brownout.simulate.rivals.plain_regression import PlainRegression
from tests.simulate.boxes import make_base


def by_model(*values: float, past: tuple[float, ...] = ()) -> dict[str, ForecastRow]:
    """The rows of a base load, by model."""
    return {row.model: row for row in forecast_rows(make_base(*values, past=past))}


def noise(count: int, seed: int = 1) -> tuple[float, ...]:
    """White noise about 50."""
    chance = random.Random(seed)
    return tuple(chance.gauss(50.0, 3.0) for _ in range(count))


def test_candidates_of_one_model_have_names_of_their_own() -> None:
    """What tells them apart stands in the name; who is the only one of its model is called by that."""
    names = names_of(Panel.blank(Forecasting(), interval_s=30.0).forecasters)
    assert len(set(names)) == len(names)
    assert {"last-value", "moving-average-0.5", "moving-median-31", "damped-holt", "linear-regression"} <= set(names)


def test_on_noise_a_mean_beats_the_last_value_and_the_plain_line_covers_less_than_it_promises_to_its_owner() -> None:
    """Of white noise the mean's error is about 1/sqrt(2) of last-value's; conformal bands cover about 90 %."""
    rows = by_model(*noise(1000), past=noise(500, seed=2))
    assert rows["last-value"].mase == 1.0
    assert rows["moving-average-0.07"].mase == pytest.approx(1.0 / math.sqrt(2.0), abs=0.06)
    assert rows["moving-average-0.07"].coverage_90 == pytest.approx(0.9, abs=0.05)
    assert (rows["moving-average-0.07"].votes, rows["last-value"].votes) == (1.0, 0.0)
    assert rows[LIVE].votes > 0.9
    assert rows[LIVE].mase == pytest.approx(rows["moving-average-0.07"].mase, abs=0.1)


def test_a_straight_line_is_foreseen_by_lines() -> None:
    """Last-value is ten steps late; smoothing makes the plain regression 3/7 of a step late, and ours no later."""
    ramp = [20.0 + 0.05 * tick for tick in range(400)]
    rows = by_model(*ramp[60:], past=tuple(ramp[:60]))
    assert rows[PlainRegression.name].mase == pytest.approx(3.0 / 7.0 / 10.0)
    assert rows["linear-regression"].mase == pytest.approx(0.0, abs=0.05)


def test_nothing_of_the_future_is_seen() -> None:
    """The last value is the truth of the last forecast and nothing else: errors change by it, bands do not."""
    values = noise(400)
    before = by_model(*values)
    after = by_model(*values[:-1], values[-1] + 40.0)
    assert {name: row.width_90 for name, row in after.items()} == {name: row.width_90 for name, row in before.items()}
    assert after[LIVE].coverage_90 != before[LIVE].coverage_90
    assert after[LIVE].votes == before[LIVE].votes


def test_where_nothing_moves_there_is_no_ratio() -> None:
    """An error of nothing over nothing is null in JSON, not a fault."""
    rows = by_model(*[50.0] * 100)
    assert {row.mase for row in rows.values()} == {None}
    assert rows[LIVE].document()["mase"] is None


def test_a_base_that_is_too_short_gives_no_rows() -> None:
    """Ten ticks have no future ten ticks ahead; eleven have one origin, and no band yet."""
    assert forecast_rows(make_base(*[50.0] * AHEAD_TICKS)) == ()
    rows = forecast_rows(make_base(*noise(AHEAD_TICKS + 1)))
    assert rows[1].coverage_90 is None
    assert rows[1].width_90 is None


def test_each_step_is_told_and_the_longest_memory_bounds_the_past() -> None:
    """1500 of the past, and all that is scored."""
    base = replace(make_base(*noise(20)), past=noise(1600))
    steps: list[None] = []
    forecast_rows(base, on_tick=lambda: steps.append(None))
    assert len(steps) == forecast_steps(base) == 1520
