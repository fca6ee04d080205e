"""Laws of the oracle: its plan is the cheapest there is, by its own reckoning, and nobody who knows less beats it."""

import itertools
import random
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.simulate import plant as plants
from brownout.simulate.hardships import FailedStarts, FightsBack
from brownout.simulate.loop import Record, run
from brownout.simulate.oracle import Oracle
from brownout.simulate.plant import THE_FOUR, Plant, Thing
from brownout.simulate.programme import Programme, Rungs, State, arrival, flips, lost, prefixes, pressure
from brownout.simulate.rivals.roster import rivals_for
from brownout.simulate.score import Weights, score
from tests.simulate.boxes import Scripted, make_base

BASES = st.lists(st.floats(min_value=30.0, max_value=98.0), min_size=2, max_size=14)
ALL = tuple(itertools.product((0, 1), repeat=4))
THREE = (
    Thing(name="a", percent=12.0, start_ticks=2, weight=1.0, levels=((6.0, 0.7),)),
    Thing(name="b", percent=5.0, start_ticks=1, weight=3.0),
)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the noise from footprints: then the oracle knows all that comes."""
    monkeypatch.setattr(plants, "noise", lambda _seed, _name, ticks: (0.0,) * ticks)


def cost(record: Record) -> float:
    """Give the cost of the whole record, not of a day."""
    found = score(record)
    return found.j * found.days


def cheapest(things: Sequence[Thing], base: Sequence[float], choices: Sequence[Rungs]) -> float:
    """Give the cheapest cost of all schedules, by trying every one from the back, without the programme's code."""
    weights = Weights()

    @cache
    def best_from(tick: int, state: State) -> float:
        here = pressure(base[tick] + sum(map(Thing.percent_at, things, state[0])), weights) + lost(state, things)
        if tick + 1 == len(base):
            return here
        return here + min(flips(state[0], to) + best_from(tick + 1, arrival(state, to, things)) for to in choices)

    nowhere = tuple(0 for _ in things)
    return best_from(0, (nowhere, nowhere))


@given(BASES)
@settings(max_examples=60)
def test_prefixes_of_the_order_are_enough_for_the_four(base: list[float]) -> None:
    """No choice of which of the four are off is cheaper than the best prefix: all 16 are tried."""
    assert cheapest(THE_FOUR, base, prefixes(THE_FOUR)) == pytest.approx(cheapest(THE_FOUR, base, ALL))


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("things", [THE_FOUR, THREE], ids=["the four", "with a level"])
@pytest.mark.parametrize("seed", range(8))
def test_the_oracle_reaches_the_cheapest_cost(things: tuple[Thing, ...], seed: int) -> None:
    """Where it sees to the end and there is no noise, what it does costs what the best schedule costs."""
    chance = random.Random(seed)
    base = [chance.uniform(40.0, 95.0) for _ in range(14)]
    record = run(Plant(things=things), make_base(*base), Oracle(things, base))
    assert cost(record) == pytest.approx(cheapest(things, base, prefixes(things)))


@pytest.mark.usefixtures("silent")
@given(BASES, st.lists(st.sampled_from(prefixes(THE_FOUR)), min_size=14, max_size=14))
@settings(max_examples=60)
def test_no_schedule_of_prefixes_beats_it(base: list[float], schedule: list[Rungs]) -> None:
    """Whatever anybody does, it does no worse."""
    names = [thing.name for thing in THE_FOUR]
    script = {tick: dict(zip(names, rungs, strict=True)) for tick, rungs in enumerate(schedule)}
    made, plant = make_base(*base), Plant()
    assert cost(run(plant, made, Oracle(plant.things, base))) <= cost(run(plant, made, Scripted(script))) + 1e-9


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("seed", range(5))
def test_no_rival_beats_it(seed: int) -> None:
    """On a walk that is longer than it sees, each rival costs more."""
    chance, level, base = random.Random(seed), 50.0, []
    for _ in range(300):
        level = max(30.0, min(90.0, level + chance.gauss(0.0, 4.0)))
        base.append(level)
    plant, made = Plant(), make_base(*base)
    costs = {rival.name: cost(run(plant, made, rival)) for rival in rivals_for(plant, made)}
    assert min(costs, key=lambda name: costs[name]) == "oracle"
    assert len(costs) == 6


def test_prefixes_lower_before_they_switch_off() -> None:
    """Everybody gives a little before anybody gives all, in the core's own order."""
    assert prefixes(THE_FOUR) == tuple(tuple([1] * off + [0] * (4 - off)) for off in range(5))
    assert prefixes(THREE) == ((0, 0), (1, 0), (2, 0), (2, 1))


def test_on_a_calm_base_it_does_nothing() -> None:
    """All else would cost."""
    base = make_base(*[40.0] * 30)
    assert {tick.rungs for tick in run(Plant(), base, Oracle(THE_FOUR, base.values)).ticks} == {(0, 0, 0, 0)}


def test_a_tick_costs_less_than_two_flips_and_a_start() -> None:
    """One tick at 80 costs 2.5; to have voice off for it costs 0.5, 2 flips and a start of 1 minute: 3.5. It stays."""
    base = make_base(*[50.0] * 5, 56.0, *[50.0] * 5)
    assert {tick.rungs for tick in run(Plant(), base, Oracle(THE_FOUR, base.values)).ticks} == {(0, 0, 0, 0)}


def test_a_short_calm_between_two_rises_is_not_worth_a_return() -> None:
    """In 5 ticks off voice loses 2.5; back it would cost 2 flips and a start of 1. It looks over the calm: 2 flips."""
    rise, calm = [57.0] * 10, [50.0] * 5
    base = make_base(*[50.0] * 10, *rise, *calm, *rise, *calm, *rise, *[50.0] * 30)
    found = score(run(Plant(), base, Oracle(THE_FOUR, base.values)))
    assert found.flips * found.days == pytest.approx(2)


def test_it_knows_what_to_do_in_states_that_only_hardships_make() -> None:
    """Starts that take longer, and what comes up by itself, are planned from as from any other state."""
    base = make_base(*[50.0, 70.0, 70.0, 70.0, 70.0, 50.0] * 10)
    plant = Plant(hardships=(FailedStarts(share=0.5), FightsBack(name="voice", after_ticks=2)))
    record = run(plant, base, Oracle(plant.things, base.values))
    assert len(record.ticks) == 60


def test_a_programme_knows_few_states() -> None:
    """55 for the four: what makes a plan of 20 ticks cheap."""
    programme = Programme(THE_FOUR, prefixes(THE_FOUR), Weights())
    programme.know(((0,) * 4, (0,) * 4))
    assert len(programme) <= 55
