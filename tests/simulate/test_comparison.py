"""Laws of the comparison: pairs of hours, an honest interval, and a sentence that says what to change."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from brownout.api.policy import PolicySpec
from brownout.simulate.advice import differences, sentence
from brownout.simulate.comparison import LEAST_HOURS, Change, Comparison, Verdict, block_hours, compare, compare_runs
from brownout.simulate.loop import Record, Tick
from brownout.simulate.score import WEIGHT_SETS, score, tick_costs
from brownout.simulate.tally import Run, Tally
from tests.simulate.boxes import make_record, make_tick

COSTS = PolicySpec.model_validate({"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}})


def make_hours(hours: int, off: Callable[[int], bool], *, name: str) -> Record:
    """Make a record in which voice is off for the hours that are named, and on for the others."""
    on, lost = make_tick(70.0), make_tick(58.0, rungs=(1,), serving=(0.0,))
    ticks: list[Tick] = [tick for hour in range(hours) for tick in [lost if off(hour) else on] * 120]
    return make_record(*ticks, contender=name)


def noisy(seed: int, share: float) -> Callable[[int], bool]:
    """Hours that are lost by chance, this share of them."""
    chance = random.Random(seed)
    lost = [chance.random() < share for _ in range(2000)]
    return lost.__getitem__


def made_run(name: str, off: Callable[[int], bool], *, hours: int = 120) -> Run:
    """Make a run in which an hour costs 60 where voice is off and nothing where it is on."""
    told = [Tally(ticks=120, cost=60.0 * off(hour), served_min=(60.0 * (not off(hour)),)) for hour in range(hours)]
    return Run(policy=name, names=("voice",), hours=tuple(told), rest=Tally(served_min=(0.0,)))


def make_comparison(verdict: Verdict = Verdict.BETTER, **changes: object) -> Comparison:
    """Make a comparison in which the other policy costs 31 % less."""
    made = Comparison(
        policy="with-fit",
        live="default",
        verdict=verdict,
        hours=168.0,
        j=690.0,
        j_live=1000.0,
        j_change=Change(value=-310.0, lower=-380.0, upper=-240.0),
        share=Change(value=-0.31, lower=-0.38, upper=-0.24),
        served_h={"voice": 9.0 / 7.0, "stubs": 0.0},
        minutes_80=0.0,
        minutes_95=0.0,
        flips=-3.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_costs_of_ticks_add_up_to_the_score() -> None:
    """Under every weights, whatever happened: their sum per day is J."""
    chance = random.Random(5)
    ticks = [
        make_tick(chance.uniform(50.0, 100.0), rungs=(chance.randint(0, 1),), serving=(chance.random(),))
        for _ in range(500)
    ]
    record = make_record(*ticks)
    for weights in WEIGHT_SETS:
        total = sum(tick_costs(record, weights)) / score(record).days
        assert total == pytest.approx(score(record).j_under(weights))
    assert tick_costs(make_record()) == ()


@pytest.mark.parametrize("hours", [24, 50, 121])
def test_where_every_hour_tells_the_same_there_is_no_doubt(hours: int) -> None:
    """As many hours are drawn as there are, however many blocks fit into them: the interval is a point."""
    found = compare_runs(made_run("default", lambda _: True, hours=hours), made_run("b", lambda _: False, hours=hours))
    each = (found.j_change.value, found.j_change.lower, found.j_change.upper)
    assert each == pytest.approx((-24.0 * 60.0,) * 3)


def test_a_policy_that_loses_fewer_hours_is_better_and_the_other_way_round_worse() -> None:
    """The share is of the live one's cost, and its interval lies on one side of nothing."""
    much, little = make_hours(96, noisy(1, 0.8), name="much"), make_hours(96, noisy(2, 0.2), name="little")
    better, worse = compare(much, little), compare(little, much)
    assert (better.verdict, worse.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert better.share is not None
    assert better.share.lower < better.share.value < better.share.upper < 0.0
    assert better.share.value == pytest.approx(better.j_change.value / better.j_live, rel=0.02)
    assert better.j_change.value == pytest.approx(better.j - better.j_live, rel=0.02)
    assert better.served_h["voice"] == pytest.approx(-worse.served_h["voice"])
    assert better.served_h["voice"] > 10.0


def test_two_that_differ_by_chance_alone_are_not_told_apart() -> None:
    """The interval holds nothing for most pairs of the same kind: with 90 % confidence about one in ten misses it."""
    told = [
        compare_runs(made_run("a", noisy(seed, 0.5)), made_run("b", noisy(seed + 1000, 0.5))).verdict
        for seed in range(20)
    ]
    assert told.count(Verdict.NO_DIFFERENCE) >= 15


def told_apart(among: int) -> int:
    """Of 12 rounds in which six policies are as good as the live one: those in which one at least looks different."""
    rounds = 0
    for first in range(0, 1200, 100):
        live = made_run("live", noisy(first, 0.5))
        others = [made_run(f"other-{one}", noisy(first + one, 0.5)) for one in range(1, 7)]
        found = [compare_runs(live, other, among=among) for other in others]
        rounds += any(each.verdict is not Verdict.NO_DIFFERENCE for each in found)
    return rounds


def test_of_many_that_differ_by_chance_alone_none_is_told_apart_either() -> None:
    """However many are held against the live one: all intervals at once hold nothing in 9 of 10 rounds.

    Uncorrected, one of six looks different in a third of all rounds or more (1 - 0.9^6 = 0.47 if independent).
    """
    assert told_apart(among=6) <= 2
    assert told_apart(among=1) >= 4


def test_the_more_are_compared_the_wider_is_each_interval() -> None:
    """About the same figure; what is clear enough stays clear, and what is told of one alone stays as it was."""
    live, other = made_run("live", noisy(1, 0.8)), made_run("other", noisy(2, 0.2))
    found = [compare_runs(live, other, among=among) for among in (1, 2, 8)]
    assert len({(each.j_change.value, each.j, each.minutes_80) for each in found}) == 1
    assert {each.verdict for each in found} == {Verdict.BETTER}
    for narrow, wide in pairwise([each.j_change for each in found]):
        assert wide.lower < narrow.lower
        assert wide.upper > narrow.upper
    assert [each.among for each in found] == [1, 2, 8]
    assert compare_runs(live, other) == found[0]


def test_the_same_record_is_no_difference_at_all() -> None:
    """Zero, from zero to zero."""
    same = make_hours(48, noisy(1, 0.5), name="same")
    found = compare(same, same)
    assert (found.verdict, found.j_change) == (Verdict.NO_DIFFERENCE, Change(value=0.0, lower=0.0, upper=0.0))


def test_a_short_history_says_so_however_clear_it_looks() -> None:
    """23 hours are not a day; not even one whole hour says nothing."""
    off, on = (make_hours(LEAST_HOURS - 1, each, name="made") for each in (noisy(1, 1.0), noisy(1, 0.0)))
    assert compare(off, on).verdict is Verdict.TOO_SHORT
    brief = make_record(*[make_tick(70.0)] * 60)
    assert compare(brief, brief).verdict is Verdict.TOO_SHORT


def test_hours_that_belong_together_are_drawn_together() -> None:
    """Losses in runs of 12 hours are fewer independent facts than as many single ones: the interval is wider."""
    calm = make_hours(240, lambda _: False, name="calm")
    runs = compare(calm, make_hours(240, lambda hour: hour // 12 % 2 == 0, name="runs"))
    single = compare(calm, make_hours(240, lambda hour: hour % 2 == 0, name="single"))
    assert runs.j_change.upper - runs.j_change.lower > 2.0 * (single.j_change.upper - single.j_change.lower)
    flat = [[0.0] * count for count in (1, 27, 168, 336)]
    assert [block_hours(hours) for hours in flat] == [1, 3, 6, 24]
    assert block_hours([float(hour // 12 % 2) for hour in range(240)]) > 12


def test_a_comparison_is_the_same_twice_and_another_seed_draws_anew() -> None:
    """Chance is seeded."""
    pair = make_hours(48, noisy(1, 0.6), name="a"), make_hours(48, noisy(2, 0.4), name="b")
    assert compare(*pair) == compare(*pair) != compare(*pair, seed=1)


def test_where_the_live_policy_costs_nothing_there_is_no_share() -> None:
    """Percent of nothing mean nothing: the figures are told instead."""
    free, dear = make_hours(30, lambda _: False, name="free"), make_hours(30, lambda _: True, name="dear")
    found = compare(free, dear)
    assert (found.verdict, found.share) == (Verdict.WORSE, None)
    assert sentence(found, (("interval", "10s"),)).startswith(
        "dear: would have been worse than free: J 1440 a day in place of 0, "
    )


def test_the_fields_that_differ_are_named_with_what_to_write() -> None:
    """As they stand in a file; what only the live one says is to be left out; what no replay looks at is no reason."""
    tiers = [{"name": "small", "match": {"memoryBelow": "8Gi"}, "thresholds": {"disable": 75}}]
    live = PolicySpec.model_validate({"memoryBudget": "12Gi", "scope": "Node", "tier": "small", "tiers": tiers})
    other = COSTS.model_copy(update={"thresholds": live.thresholds.model_copy(update={"disable": 82.5})})
    assert dict(differences(live, other)) == {
        "thresholds.disable": "82.5",
        "decide.strategy": "ExpectedCost",
        "restore.strategy": "WhenItFits",
        "tier": None,
        "tiers": "[]",
    }
    unseen = {
        "mode": "DryRun",
        "interval": "5s",
        "notify": {"desktop": True},
        "sentinel": {"interval": "2s"},
        "rate": {"above": 5},
    }
    assert differences(live, live) == differences(PolicySpec(), PolicySpec.model_validate(unseen)) == ()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            make_comparison(),
            (
                "with-fit: would have been better than default: J 31 % lower (24 to 38 %, 90 % interval), "
                "voice 9.0 h more per week, 0 minutes more at or above 80 %; "
                "to get it, set decide.strategy: ExpectedCost and restore.strategy: WhenItFits."
            ),
        ),
        (
            make_comparison(
                Verdict.WORSE,
                share=Change(value=0.12, lower=0.05, upper=0.2),
                served_h={"voice": -1.0},
                minutes_80=-1.0,
                minutes_95=0.2,
            ),
            (
                "with-fit: would have been worse than default: J 12 % higher (5 to 20 %, 90 % interval), "
                "voice 7.0 h less per week, 7 minutes less at or above 80 %, 1 minute more at or above 95 %; "
                "leave decide.strategy and restore.strategy alone."
            ),
        ),
        (
            make_comparison(Verdict.NO_DIFFERENCE, share=Change(value=-0.02, lower=-0.07, upper=0.03), served_h={}),
            (
                "with-fit: no difference to default that can be told from chance: "
                "J 2 % lower (7 % lower to 3 % higher, 90 % interval), 0 minutes more at or above 80 %."
            ),
        ),
        (
            make_comparison(among=3, served_h={}),
            (
                "with-fit: would have been better than default: J 31 % lower (24 to 38 %, 90 % interval for all 3 at "
                "once), 0 minutes more at or above 80 %; "
                "to get it, set decide.strategy: ExpectedCost and restore.strategy: WhenItFits."
            ),
        ),
        (
            make_comparison(Verdict.TOO_SHORT, hours=5.0, served_h={"voice": 1.0}),
            (
                "with-fit: 5 h of history are too short to tell, 24 h are needed; "
                "so far J 31 % lower (24 to 38 %, 90 % interval), voice 1.0 h more per day, "
                "0 minutes more at or above 80 %."
            ),
        ),
    ],
)
def test_each_verdict_has_its_sentence(found: Comparison, said: str) -> None:
    """The figure with its interval, what it means for service and pressure, and what to do."""
    assert sentence(found, differences(PolicySpec(), COSTS)) == said


def test_a_policy_that_says_the_same_is_told_as_that() -> None:
    """Nothing differs, so nothing is compared."""
    assert sentence(make_comparison(), ()) == "with-fit: says the same as default in all that a replay looks at."
