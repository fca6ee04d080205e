"""Laws of shadows: a race gives what a replay gives, hour by hour, and keeps no tick longer than it needs it."""

import pytest

from brownout.api.policy import PolicySpec
from brownout.core.ledger import Ledger
from brownout.simulate.comparison import compare, compare_runs
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import START, Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.shadows import Race
from brownout.simulate.tally import Tally, run_of
from brownout.simulate.traces import TICKS_AN_HOUR
from tests.simulate.boxes import ALL_ON, VOICE, make_base, make_record, make_tick

THRESHOLDS = PolicySpec()
EARLY = PolicySpec.model_validate({"thresholds": {"disable": 65, "enable": 55, "emergency": 95}})
# Four hours and a bit, with ten minutes of every hour at 20 points more.
LOAD = tuple(42.0 + 20.0 * (tick % 120 < 20) + 0.1 * (tick % 7) for tick in range(500))


def make_race(**policies: PolicySpec) -> Race:
    """Make a race of these on the benchmark's four."""
    return Race(policies, integrations_of(THE_FOUR), THE_FOUR, ledger=Ledger(), start=START)


def replayed(name: str, policy: PolicySpec) -> Record:
    """The same policy in a replay of the load. The noise of a short run is the beginning of a day's."""
    return run(Plant(), make_base(*LOAD), Ours(name, policy, integrations_of(THE_FOUR)))


def test_a_race_comes_to_what_a_replay_of_the_same_load_comes_to() -> None:
    """Tick by tick: the same box, the same noise, the same core; so hours, sums and the comparison are the same."""
    race = make_race(default=THRESHOLDS, early=EARLY)
    for base in LOAD:
        race.take(base)
    records = replayed("default", THRESHOLDS), replayed("early", EARLY)
    assert race.runs() == tuple(run_of(record) for record in records)
    assert compare_runs(*race.runs()) == compare(*records)
    assert [len(each.hours) for each in race.runs()] == [4, 4]
    assert race.runs()[1].whole.flips > 0


def test_where_it_stands_is_what_it_did_last() -> None:
    """At 75 % the early policy has given voice up and says why; the other one has not."""
    race = make_race(default=THRESHOLDS, early=EARLY)
    assert race.present() == {}
    for _ in range(12):
        race.take(49.0)
    present = race.present()
    assert tuple(present["default"].rungs.values()) == ALL_ON
    assert present["early"].rungs["voice"] == 1
    assert present["early"].told is not None
    assert present["default"].memory_percent > present["early"].memory_percent


def test_other_sizes_count_from_the_next_tick_on() -> None:
    """What was measured meanwhile takes the place of what was known at the start."""
    race = make_race(default=THRESHOLDS)
    race.take(40.0)
    before = race.present()["default"].memory_percent
    race.resize([thing if thing.name != "voice" else VOICE_OF_20 for thing in THE_FOUR])
    race.take(40.0)
    assert race.present()["default"].memory_percent - before == pytest.approx(8.0, abs=1.5)


VOICE_OF_20 = type(VOICE)(name="voice", percent=20.0, start_ticks=2)


def test_old_hours_are_forgotten() -> None:
    """A run that never ends keeps the newest hours, and what the hour under way came to."""
    tick, run_now = make_tick(70.0), run_of(make_record())
    for _ in range(5 * TICKS_AN_HOUR + 7):
        run_now = run_now.after(tick, (VOICE,), most_hours=3)
    assert [hour.ticks for hour in run_now.hours] == [TICKS_AN_HOUR] * 3
    assert run_now.whole.ticks == 3 * TICKS_AN_HOUR + 7
    assert run_now.whole.served_min[0] == pytest.approx(0.5 * run_now.whole.ticks)


def test_tallies_add_up() -> None:
    """Of everything, thing by thing."""
    one = Tally(ticks=1, cost=2.0, minutes_80=0.5, minutes_95=0.0, flips=1, served_min=(0.5, 0.0))
    assert one + one == Tally(ticks=2, cost=4.0, minutes_80=1.0, minutes_95=0.0, flips=2, served_min=(1.0, 0.0))
