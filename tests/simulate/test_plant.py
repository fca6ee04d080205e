"""Laws of the plant: what is decided acts at the next tick, starts take their time, and chance is fair."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.simulate.hardships import FailedStarts, FightsBack, Hardship, LateReturn, Leak, StartPeak
from brownout.simulate.loop import Record, run
from brownout.simulate.plant import LARGEST_NOISE, Plant, Thing, noise
from tests.simulate.boxes import Scripted, make_base, run_script

SCRIPTS = st.dictionaries(st.integers(0, 9), st.fixed_dictionaries({"voice": st.integers(0, 1)}), max_size=6)


def totals(record: Record) -> list[float]:
    """Give the total at each tick."""
    return [tick.total for tick in record.ticks]


def held(*hardships: Hardship, script: dict[int, dict[str, int]], ticks: int = 8) -> list[float]:
    """Give what voice keeps from others at each tick, by the difference to a run of the plain plant without it."""
    hard = run_script(script, ticks=ticks, hardships=hardships)
    without = run(Plant(), make_base(*[40.0] * ticks), Scripted())
    voice = [12.0 * (1.0 + wave) for wave in noise(0, "voice", ticks)]
    return [a.total - b.total + own for a, b, own in zip(hard.ticks, without.ticks, voice, strict=True)]


def test_everything_is_on_at_first() -> None:
    """All four run and serve; the total is base and footprints, each within its noise."""
    first = run_script({}, ticks=1).ticks[0]
    assert first.rungs == (0, 0, 0, 0)
    assert first.serving == (1.0, 1.0, 1.0, 1.0)
    assert first.total == pytest.approx(66.0, abs=26.0 * LARGEST_NOISE)


def test_a_decision_acts_at_the_next_tick() -> None:
    """Decided at tick 2, voice still runs at 2, and is gone at 3."""
    ticks = run_script({2: {"voice": 1}}, ticks=5).ticks
    assert [tick.rungs[0] for tick in ticks] == [0, 0, 0, 1, 1]
    assert ticks[2].total - ticks[3].total > 12.0 * (1 - LARGEST_NOISE) - 14.0 * LARGEST_NOISE


@pytest.mark.parametrize(
    ("name", "place", "start"), [("voice", 0, 2), ("android", 1, 2), ("discord", 2, 1), ("stubs", 3, 1)]
)
def test_a_start_takes_memory_and_serves_nothing_for_its_ticks(name: str, place: int, start: int) -> None:
    """Two for voice and android, one for discord and stubs."""
    ticks = run_script({0: {name: 1}, 1: {name: 0}}, ticks=6).ticks
    assert [tick.rungs[place] for tick in ticks] == [0, 1, 0, 0, 0, 0]
    assert [tick.serving[place] for tick in ticks] == [1.0, 0.0, *[0.0] * start, *[1.0] * (4 - start)]
    assert ticks[2].total > ticks[1].total


def test_a_start_that_was_broken_off_begins_anew() -> None:
    """What went off while it started gets no credit for it."""
    ticks = run_script({0: {"voice": 1}, 1: {"voice": 0}, 2: {"voice": 1}, 3: {"voice": 0}}, ticks=8).ticks
    assert [tick.serving[0] for tick in ticks] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]


def test_a_lowered_level_takes_less_and_serves_its_value() -> None:
    """Going up a level from a lower one is no start."""
    voice = Thing(name="voice", percent=12.0, start_ticks=2, levels=((6.0, 0.4),))
    ticks = run_script({0: {"voice": 1}, 2: {"voice": 0}}, ticks=5, things=(voice,)).ticks
    assert [tick.serving[0] for tick in ticks] == [1.0, 0.4, 0.4, 1.0, 1.0]
    assert ticks[1].total == pytest.approx(40.0 + 6.0, abs=6.0 * LARGEST_NOISE)


@given(SCRIPTS, SCRIPTS)
def test_all_contenders_see_the_same_noise(one: dict[int, dict[str, int]], other: dict[int, dict[str, int]]) -> None:
    """Where two runs stand alike, their totals are the same, whatever was switched before (common random numbers)."""
    for first, second in zip(run_script(one, ticks=12).ticks, run_script(other, ticks=12).ticks, strict=True):
        if first.rungs == second.rungs:
            assert first.total == second.total


def test_the_same_seed_gives_the_same_record() -> None:
    """And another seed another one."""
    script = {1: {"voice": 1}, 5: {"voice": 0}}
    assert run_script(script, ticks=50, seed=7) == run_script(script, ticks=50, seed=7)
    assert totals(run_script(script, ticks=50, seed=7)) != totals(run_script(script, ticks=50, seed=8))


def test_noise_has_the_spread_and_the_memory_that_it_says() -> None:
    """Standard deviation 0.03 / sqrt(1 - 0.81) = 0.069, correlation 0.9 from one tick to the next, never above 0.2."""
    values = noise(0, "voice", 20_000)
    assert statistics.pstdev(values) == pytest.approx(0.069, rel=0.1)
    assert statistics.correlation(values[:-1], values[1:]) == pytest.approx(0.9, abs=0.02)
    assert max(map(abs, values)) <= LARGEST_NOISE


def test_noise_does_not_depend_on_how_long_it_runs() -> None:
    """Nor do two things share theirs."""
    assert noise(0, "voice", 100)[:10] == noise(0, "voice", 10)
    assert noise(0, "voice", 10) != noise(0, "android", 10)


def test_a_box_is_never_more_than_full() -> None:
    """The total ends at 100 %."""
    assert totals(run_script({}, ticks=3, base=98.0)) == [100.0] * 3


def test_a_leak_grows_while_on_and_starts_small_again() -> None:
    """60 points an hour are half a point a tick."""
    sizes = held(Leak(name="voice", percent_per_hour=60.0), script={3: {"voice": 1}, 4: {"voice": 0}})
    plain = held(script={3: {"voice": 1}, 4: {"voice": 0}})
    grown = [hard - easy for hard, easy in zip(sizes, plain, strict=True)]
    assert grown == pytest.approx([0.0, 0.5, 1.0, 1.5, 0.0, 0.0, 0.5, 1.0])


def test_a_start_peak_is_over_when_it_serves() -> None:
    """Half as much again in the two ticks of the start."""
    script = {0: {"voice": 1}, 1: {"voice": 0}}
    more = [
        hard / easy
        for hard, easy in zip(held(StartPeak(), script=script), held(script=script), strict=True)
        if easy > 1
    ]
    assert more == pytest.approx([1.0, 1.5, 1.5, 1.0, 1.0, 1.0, 1.0])


def test_memory_that_comes_back_late_is_kept_from_others_meanwhile() -> None:
    """All of what it held at its last tick for two ticks, and half of it for ever after."""
    sizes = held(LateReturn(ticks=2, kept=0.5), script={1: {"voice": 1}})
    assert sizes[2:4] == pytest.approx([sizes[1]] * 2)
    assert sizes[4:] == pytest.approx([sizes[1] / 2.0] * 4)


def test_a_failed_start_is_a_long_one() -> None:
    """It holds memory and serves nothing until it has succeeded; all contenders meet the same failures."""
    script = {0: {"voice": 1}, 1: {"voice": 0}}
    ticks = run_script(script, ticks=8, hardships=(FailedStarts(share=1.0, more_ticks=3),)).ticks
    assert [tick.serving[0] for tick in ticks] == [1.0, *[0.0] * 6, 1.0]


def test_a_workload_that_fights_back_is_up_again_by_itself() -> None:
    """Off at tick 1, it is back two ticks later, and starts as if it had been told to."""
    ticks = run_script({0: {"voice": 1}}, ticks=7, hardships=(FightsBack(name="voice", after_ticks=2),)).ticks
    assert [tick.rungs[0] for tick in ticks] == [0, 1, 1, 0, 0, 0, 0]
    assert [tick.serving[0] for tick in ticks] == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
