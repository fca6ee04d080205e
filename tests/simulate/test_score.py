"""Laws of the score: each figure is what a person counts by hand on a tiny record."""

import json
from dataclasses import replace

import pytest

from brownout.simulate.plant import THE_FOUR, Thing
from brownout.simulate.report import LEAST_J, documents, row_of, summaries, table
from brownout.simulate.score import WEIGHT_SETS, Weights, minutes_lost, score
from tests.simulate.boxes import make_record, make_tick

DAY = 2880


def test_minutes_are_counted_at_and_above_80_and_95_percent() -> None:
    """Half a minute each tick: two at or above 80, of which one is at 95; a day has 1440 minutes."""
    found = score(make_record(*map(make_tick, (79.99, 80.0, 95.0, 94.99 - 20))))
    assert found.days * DAY == pytest.approx(4)
    assert found.minutes_80 * found.days == pytest.approx(1.0)
    assert found.minutes_95 * found.days == pytest.approx(0.5)
    assert score(make_record(make_tick(99.0))).minutes_95 == pytest.approx(1440.0)


def test_lost_minutes_are_weighted() -> None:
    """A tick without android (2) and discord (3) loses half a minute times 5; a lowered level the rest of its value."""
    off = make_tick(60.0, rungs=(0, 1, 1, 0), serving=(0.4, 0.0, 0.0, 1.0))
    found = score(make_record(off, things=THE_FOUR))
    assert found.lost_weighted * found.days == pytest.approx(0.5 * (0.6 * 1 + 2 + 3))


@pytest.mark.parametrize(("base", "needless"), [(53.99, 0.5), (54.0, 0.0)])
def test_what_is_lost_though_everything_would_have_fitted_is_lost_needlessly(base: float, needless: float) -> None:
    """The four take 26: below a base of 54 % they stay under 80."""
    tick = make_tick(60.0, rungs=(1, 0, 0, 0), serving=(0.0, 1.0, 1.0, 1.0), base=base)
    found = score(make_record(tick, things=THE_FOUR))
    assert found.lost_needlessly * found.days == pytest.approx(needless)
    assert found.lost_weighted * found.days == pytest.approx(0.5)


def test_the_minutes_of_one_thing_are_those_in_which_it_did_not_serve() -> None:
    """Off or starting, half a minute each tick; a lowered level serves."""
    ticks = [make_tick(50.0, rungs=(0, 0), serving=serving) for serving in ((1.0, 0.0), (0.4, 0.0), (0.0, 1.0))]
    record = make_record(*ticks, things=THE_FOUR[:2])
    assert (minutes_lost(record, "voice"), minutes_lost(record, "android")) == (0.5, 1.0)


def test_a_flip_is_one_change_of_one_rung() -> None:
    """Down two rungs at once is one flip; down and up again are two; two things are two."""
    things = (Thing(name="a", percent=5.0, levels=((2.0, 0.5),)), Thing(name="b", percent=5.0))
    rungs = [(0, 0), (2, 1), (2, 1), (0, 1)]
    ticks = [make_tick(50.0, rungs=each, serving=(1.0, 1.0)) for each in rungs]
    found = score(make_record(*ticks, things=things))
    assert found.flips * found.days == pytest.approx(3)


def test_j_is_the_sum_of_what_each_costs() -> None:
    """A day of one minute at 80, half of it at 95, three weighted minutes and four flips, under all weights."""
    high = [make_tick(96.0), make_tick(80.0)]
    away = [make_tick(50.0, rungs=(1,), serving=(0.0,)) for _ in range(6)]
    again = [make_tick(50.0), make_tick(50.0, rungs=(1,)), make_tick(50.0)]
    quiet = [make_tick(50.0)] * (DAY - 11)
    found = score(make_record(*high, *away, *again, *quiet))
    assert (found.minutes_80, found.minutes_95, found.lost_weighted, found.flips) == (1.0, 0.5, 3.0, 4.0)
    assert found.j == 5.0 * 1.0 + 20.0 * 0.5 + 3.0 + 4.0
    assert [found.j_under(weights) for weights in WEIGHT_SETS] == [13.0, 38.0, 42.0, 113.0]
    assert found.j_under(Weights()) == found.j


def test_a_row_has_the_columns_of_the_interface() -> None:
    """Scripts read `brownout replay -o json` by these names; nothing in it is not JSON."""
    document = documents([row_of(make_record(make_tick(80.0), contender="kubelet"))])
    (row,) = json.loads(json.dumps(document, allow_nan=False))["rows"]
    assert list(row) == [
        "trace", "mode", "policy", "days", "j", "minutes_80", "minutes_95", "lost_weighted", "lost_needlessly", "flips",
    ]  # fmt: skip
    assert (row["policy"], row["minutes_80"], row["j"]) == ("kubelet", 1440.0, 7200.0)


def test_ratios_are_geometric_means_over_the_same_traces() -> None:
    """Half of the plain regression's minutes: 0.5. Without an oracle there is no ratio over it, not one of 1."""
    plain = make_record(make_tick(80.0), make_tick(80.0), contender="plain-regression")
    ours = make_record(make_tick(80.0), make_tick(50.0), contender="thresholds")
    first, second = summaries([row_of(plain), row_of(ours)])
    assert (first.j_over_plain, second.j_over_plain) == pytest.approx((1.0, 0.5))
    assert second.j_over_oracle is None
    assert "thresholds" in table([first, second])


def test_one_bad_trace_does_not_outweigh_the_others() -> None:
    """Twice and half as dear on two traces is just as dear: the geometric mean, not that of the ratios (1.25)."""
    high, low = [make_tick(80.0)] * 2, [make_tick(80.0), make_tick(50.0)]
    records = [
        replace(make_record(*ticks, contender=name), trace=trace)
        for name, trace, ticks in (
            ("plain-regression", "first", high),
            ("plain-regression", "second", low),
            ("thresholds", "first", low),
            ("thresholds", "second", high),
        )
    ]
    assert summaries([row_of(record) for record in records])[1].j_over_plain == pytest.approx(1.0)


def test_a_day_that_costs_nothing_makes_no_infinite_ratio() -> None:
    """Its cost counts as that of one flip."""
    calm = [make_record(make_tick(50.0), contender=name) for name in ("oracle", "thresholds")]
    assert [each.j_over_oracle for each in summaries([row_of(each) for each in calm])] == [LEAST_J, LEAST_J]
