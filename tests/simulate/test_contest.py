"""Laws of a contest: policies that remember alike warm up once, and it changes nothing."""

from unittest import mock

from brownout.api.policy import PolicySpec
from brownout.simulate.contest import contest
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from tests.simulate.boxes import make_base

BASE = make_base(*[45.0, 47.0, 66.0, 44.0] * 10, past=[45.0, 46.0] * 40)
THRESHOLDS = PolicySpec()
COSTS = PolicySpec.model_validate({"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}})
OTHER = PolicySpec.model_validate({"forecast": {"model": "Off"}})


def test_policies_that_remember_alike_warm_up_once() -> None:
    """How it is decided leaves no trace in what is remembered; what is forecast does."""
    policies = {"thresholds": THRESHOLDS, "costs": COSTS, "other": OTHER}
    with mock.patch.object(Ours, "warm_up", autospec=True, side_effect=Ours.warm_up) as warmed:
        records = list(contest(Plant(), BASE, policies, rivals=False))
    assert [call.args[0].name for call in warmed.call_args_list] == ["thresholds", "other"]
    assert [record.contender for record in records] == list(policies)


def test_a_shared_warm_up_gives_what_its_own_would() -> None:
    """The second policy's record is the one that it has alone."""
    _, shared = contest(Plant(), BASE, {"thresholds": THRESHOLDS, "costs": COSTS}, rivals=False)
    alone = Ours("costs", COSTS, integrations_of(THE_FOUR))
    alone.warm_up(BASE.past, THE_FOUR)
    assert shared == run(Plant(), BASE, alone)


def test_each_tick_is_told() -> None:
    """For a progress bar: one call for each tick of each contender."""
    ticks = mock.Mock()
    assert len(list(contest(Plant(), BASE, {"thresholds": THRESHOLDS}, on_tick=ticks))) == 7
    assert ticks.call_count == 7 * len(BASE.values)
