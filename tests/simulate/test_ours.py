"""Laws of our own contender: it is the production core and nothing else, in the engine's order."""

from dataclasses import replace
from unittest import mock

import pytest

from brownout.api.policy import PolicySpec
from brownout.core import decide as rules
from brownout.core.footprint import Source
from brownout.core.gather import footprints_of, snapshot_of
from brownout.core.ladder import ladder_of
from brownout.core.member import Member
from brownout.core.order import degradation_order
from brownout.simulate.contender import Contender, Teller
from brownout.simulate.contest import contest
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import LIMIT_BYTES, Ours, bytes_of, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant, Thing
from brownout.simulate.rivals.roster import rivals_for
from brownout.simulate.traces import base_as_it_is
from tests.simulate.boxes import make_base, make_seen

POLICY = PolicySpec()
#: 10 min calm, 10 min of pressure that two have to give way to, and then an hour of calm.
HUMP = make_base(*[40.0] * 20, *[66.0] * 20, *[36.0] * 120)


def make_ours(policy: PolicySpec = POLICY, *, guessed: float = 1.0) -> Ours:
    """Make ours for the four."""
    return Ours("thresholds", policy, integrations_of(THE_FOUR, guessed=guessed))


def reasons(record: Record) -> list[str]:
    """Give what was told, each once, in order."""
    told = [tick.told.reason for tick in record.ticks if tick.told]
    return list(dict.fromkeys(told))


def test_the_things_are_declared_as_they_are() -> None:
    """In the order of the plant, the stubs essential, with what they take as the owner's guess."""
    made = integrations_of((*THE_FOUR[:3], replace(THE_FOUR[3], levels=((0.5, 0.3),))), guessed=0.7)
    assert [one.spec.priority for one in made] == [10, 20, 30, 40]
    assert [one.spec.essential for one in made] == [False, False, False, True]
    assert made[0].spec.memory == bytes_of(12.0 * 0.7)
    assert [(level.memory, level.value) for level in made[3].spec.levels] == [
        (bytes_of(0.7), 1.0),
        (bytes_of(0.35), 0.3),
    ]
    members = [Member(key=one.name, integration=one, ladder=ladder_of(one)) for one in made]
    assert [member.key for member in degradation_order(members)] == ["voice", "android", "discord", "stubs"]


def test_it_sheds_over_80_and_brings_back_below_65() -> None:
    """The hump costs voice and android their place, and in the calm all four serve again."""
    record = run(Plant(), HUMP, make_ours())
    assert max(sum(tick.rungs) for tick in record.ticks) == 2
    assert record.ticks[-1].serving == (1.0, 1.0, 1.0, 1.0)
    assert {"AboveThreshold", "Stabilizing", "Restored", "WithinLimits"} <= set(reasons(record))


def test_it_is_the_core_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rule that sheds nothing is shed; without the one that brings back nothing returns."""
    whole = rules.RULES
    monkeypatch.setattr(rules, "RULES", tuple(rule for rule in whole if rule is not rules.above_threshold))
    off = make_ours(PolicySpec.model_validate({"forecast": {"model": "Off"}}))
    assert {tick.rungs for tick in run(Plant(), HUMP, off).ticks} == {(0, 0, 0, 0)}
    monkeypatch.setattr(rules, "RULES", tuple(rule for rule in whole if rule is not rules.bring_back))
    assert run(Plant(), HUMP, make_ours()).ticks[-1].rungs[0] == 1


def test_it_reads_its_policy() -> None:
    """With another threshold it acts elsewhere."""
    policy = PolicySpec.model_validate(
        {"thresholds": {"disable": 97.0, "emergency": 98.0}, "forecast": {"model": "Off"}}
    )
    assert {tick.rungs for tick in run(Plant(), HUMP, make_ours(policy)).ticks} == {(0, 0, 0, 0)}


def test_the_plant_sets_the_pace() -> None:
    """A policy that looks every second makes the same of ticks of 30 s: its series is not broken by each of them."""
    hasty = PolicySpec.model_validate({"interval": "1s"})
    assert run(Plant(), HUMP, make_ours(hasty)) == run(Plant(), HUMP, make_ours())


def test_what_is_measured_takes_over_from_a_wrong_guess() -> None:
    """After one look at the rung the footprint is measured, however wrong the owner was."""
    ours = make_ours(guessed=1.3)
    ours.choose(make_seen(0, 66.0))
    voice = integrations_of(THE_FOUR, guessed=1.3)[0]
    (found,) = footprints_of("voice", voice, ours.ledger)
    assert (found.source, found.steady_bytes) == (Source.MEASURED, bytes_of(12.0))


def test_a_decision_rests_on_what_was_measured_in_its_own_tick() -> None:
    """As in the engine: first the ledger takes in the look, then the members are made from it."""
    with mock.patch("brownout.simulate.ours.snapshot_of", wraps=snapshot_of) as made:
        make_ours(guessed=1.3).choose(make_seen(0, 66.0))
    members = made.call_args.args[2]
    assert {member.footprints[0].source for member in members} == {Source.MEASURED}


def test_what_nobody_measures_is_learned_from_what_comes_back() -> None:
    """The owner guessed 30 % too much for voice; after its first step down the ledger knows about the truth."""
    ours = Ours("thresholds", POLICY, integrations_of(THE_FOUR, guessed=1.3), measured=False)
    run(Plant(), HUMP, ours)
    assert not ours.ledger.measured
    assert ours.ledger.learned["voice", 0][0] == pytest.approx(bytes_of(12.0), rel=0.25)


def test_what_starts_is_not_measured_as_if_it_ran() -> None:
    """Its memory counts as ours, so that the base stays the base, but not as its size at rest."""
    ours, seen = make_ours(), make_seen(0, 66.0)
    starting = replace(seen.things[0], starting=2, percent=20.0)
    ours.choose(replace(seen, things=(starting, *seen.things[1:])))
    assert ours.ledger.measured["voice", 0].steady == ()
    assert ours.ledger.sample is not None
    assert ours.ledger.sample.base_percent == pytest.approx(66.0 - 20.0 - 14.0)


def test_the_base_is_told_from_the_total() -> None:
    """Whatever is on, the base that the core sees is the plant's, noise of footprints and all."""
    ours, record = make_ours(), None
    record = run(Plant(), HUMP, ours)
    last = [sample.base_percent for sample in ours.ledger.window.samples]
    assert last == pytest.approx([tick.base for tick in record.ticks[-len(last) :]], abs=100.0 * 5 / LIMIT_BYTES)


def test_warming_up_fills_the_window_and_decides_nothing() -> None:
    """The last 1500 ticks of the past are looked at, the newest 30 s before tick 0; nothing is held or shed by it."""
    ours = make_ours()
    with mock.patch.object(rules, "RULES", ()):
        ours.warm_up([70.0] * 50 + [40.0] * 60, THE_FOUR)
    assert (len(ours.ledger.window.samples), dict(ours.ledger.holds)) == (60, {})
    cold, warm = run(Plant(), HUMP, make_ours()), run(Plant(), HUMP, ours)
    assert cold.ticks[0].told != warm.ticks[0].told
    assert warm.ticks[0].told is not None


def test_levels_are_lowered_before_anything_is_off() -> None:
    """The core's ladder and the plant's are the same rungs."""
    things = (Thing(name="voice", percent=20.0, start_ticks=2, levels=((8.0, 0.5),)), THE_FOUR[3])
    base = make_base(*[50.0] * 5, *[63.0] * 10, *[30.0] * 60)
    record = run(Plant(things=things), base, Ours("thresholds", POLICY, integrations_of(things)))
    assert {tick.rungs[0] for tick in record.ticks} == {0, 1}
    assert record.ticks[-1].rungs == (0, 0)


def test_a_contest_is_the_same_twice() -> None:
    """Same plant, same base, same policies: the same records, ours and rivals', to the last bit."""
    base = base_as_it_is(generated(Family.BURSTS, ticks=200))
    first, second = (list(contest(Plant(), base, {"thresholds": POLICY})) for _ in range(2))
    assert first == second
    assert [record.contender for record in first] == [
        "plain-regression", "no-forecast", "kubelet", "reactive", "earlyoom", "oracle", "thresholds",
    ]  # fmt: skip


def test_a_contest_warms_ours_up_on_the_past() -> None:
    """A base that has a past is met with a forecast at tick 0."""
    made = [
        list(contest(Plant(), replace(HUMP, past=past), {"ours": POLICY}, rivals=False)) for past in ((), (45.0,) * 60)
    ]
    cold, warm = (records[0].ticks[0].told for records in made)
    assert cold != warm


def test_what_the_panel_has_learnt_is_kept_for_the_next() -> None:
    """From tick to tick one panel learns, also while warming up: its forecasts are calibrated at tick 0."""
    ours = make_ours()
    ours.warm_up([40.0] * 100, THE_FOUR)
    assert ours.ledger.panel is not None
    assert ours.ledger.panel.calibrated
    assert ours.ledger.panel.signals.value == pytest.approx(40.0)


def test_what_is_told_comes_from_who_tells() -> None:
    """Ours and the plain regression tell a forecast; the others need not."""
    tellers = [one for one in (*rivals_for(Plant(), HUMP), make_ours()) if isinstance(one, Teller)]
    names: list[Contender] = [one for one in tellers if hasattr(one, "choose")]
    assert [one.name for one in names] == ["plain-regression", "thresholds"]


@pytest.mark.parametrize("family", Family)
def test_a_generated_load_is_a_percentage_and_its_seeds_own(family: Family) -> None:
    """The same seed gives the same load, another another, and a shorter one is its beginning."""
    trace = generated(family, seed=3, ticks=500)
    assert len(trace.values) == 500
    assert all(0.0 <= value <= 100.0 for value in trace.values)
    assert generated(family, seed=3, ticks=100).values == trace.values[:100]
    assert generated(family, seed=4, ticks=500).values != trace.values
