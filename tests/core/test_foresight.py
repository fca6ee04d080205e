"""What is foreseen: just before it happens, where the next step is known; and what that asks for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Reason
from brownout.core.decide import decide, pressing
from brownout.core.forecasting.beat import QUIET_ENOUGH
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.path import Path, Spread
from brownout.core.outlook import look_out
from brownout.core.plan import Step, Verdict
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import PROMISED, any_snapshots
from tests.core.forecasting.series import fed_panel, make_ramps
from tests.worlds import NOW, POLICY, make_forecast, make_path, make_residuals, make_sample, make_snapshot
from tests.worlds import the_four as four

OFF = make_policy(forecast={"model": "Off"}).spec


def _names(steps: Sequence[Step]) -> list[str]:
    return [step.name for step in steps]


def _known(value: float, *, half: float = 0.2, flat: float = 50.0) -> Path:
    """Make a path at `flat` per cent of base load whose next step is known to be at `value`, give or take `half`."""
    spread = make_residuals(*[half * (2.0 * index / 99 - 1.0) for index in range(100)])
    return replace(make_path(flat, flat), next=Spread(steps=1, value=value, residuals=spread))


def test_what_will_be_over_with_the_next_step_goes_now() -> None:
    """So that it is gone in time; the sentence says both figures, the band, and how soon."""
    decision = decide(make_snapshot(78.6, *four(), ours=26.0, path=_known(55.1)), now=NOW)
    assert (decision.reason, decision.rule) == (Reason.FORECAST_ABOVE_THRESHOLD, "about_to_be_above")
    assert _names(decision.steps) == ["voice"]
    assert decision.message.startswith("RAM 78.6 % now and 81.1 % (80.9 to 81.3) in 30 s, over 80 %: disabled voice")
    assert decision.numbers["next_percent"] == pytest.approx(81.1)


def test_the_sentence_tells_the_band_and_the_step_as_they_are() -> None:
    """Nine in ten of what it may be, and a step of another length."""
    path = replace(_known(57.0, half=2.0), step_s=6.0)
    decision = decide(make_snapshot(78.6, *four(), ours=26.0, path=path), now=NOW)
    assert "and 83.0 % (81.2 to 84.8) in 6 s, over 80 %" in decision.message


@pytest.mark.parametrize(("value", "goes"), [(54.1, False), (54.17, False), (54.19, True), (55.0, True)])
def test_nearly_all_that_it_may_be_must_be_over(value: float, goes: bool) -> None:  # noqa: FBT001 - a table
    """The lower end of the band that `forecast.confidence` asks for: 54.18 less 0.18 beside 26 are 80."""
    decision = decide(make_snapshot(78.6, *four(), ours=26.0, path=_known(value)), now=NOW)
    assert bool(decision.steps) is goes


@pytest.mark.parametrize(("confidence", "goes"), [(50.0, True), (90.0, False)])
def test_the_band_is_as_wide_as_the_policy_asks(confidence: float, goes: bool) -> None:  # noqa: FBT001 - a table
    """Of 54.12, give or take 0.2, beside 26 the lower end is 80.02 for half of all cases and 79.94 for nine in ten."""
    policy = make_policy(forecast={"confidence": confidence}).spec
    decision = decide(make_snapshot(78.6, *four(), ours=26.0, path=_known(54.12), policy=policy), now=NOW)
    assert bool(decision.steps) is goes


def test_exactly_on_the_threshold_counts() -> None:
    """As it does where it is measured."""
    decision = decide(make_snapshot(78.6, *four(), ours=26.0, path=_known(54.0, half=0.0)), now=NOW)
    assert decision.rule == "about_to_be_above"


@pytest.mark.parametrize(("measured", "rule"), [(78.6, "about_to_be_above"), (81.0, "above_threshold")])
@pytest.mark.parametrize(("value", "gone"), [(65.5, ["voice"]), (66.5, ["voice", "android"])])
def test_what_is_asked_for_is_what_is_expected(measured: float, rule: str, value: float, gone: list[str]) -> None:
    """Not the ends of the band: 11.5 over, give or take 2, are less than the 12 of voice, and 12.5 are more."""
    decision = decide(make_snapshot(measured, *four(), ours=26.0, path=_known(value, half=2.0)), now=NOW)
    assert (decision.rule, _names(decision.steps)) == (rule, gone)


def test_what_is_nearer_is_told_first() -> None:
    """The next step outranks five minutes, and what is measured outranks both."""
    for measured, rule in ((78.6, "about_to_be_above"), (81.0, "above_threshold")):
        both = make_snapshot(measured, *four(), ours=26.0, path=_known(55.1), forecast=make_forecast(85.0))
        assert decide(both, now=NOW).rule == rule


def test_what_leaks_until_the_horizon_is_not_there_at_the_next_step() -> None:
    """Only what ours hold now stands beside it."""
    calm = make_snapshot(78.6, *four(), ours=26.0, path=_known(53.0))
    leaking = replace(calm, outlook=replace(calm.outlook, growth_percent=5.0))
    assert decide(leaking, now=NOW).rule != "about_to_be_above"


def test_what_goes_is_enough_for_the_next_step() -> None:
    """At 81 % voice is enough now; with 93 % known to come it is not, and both go at once."""
    for value, gone in ((55.0, ["voice"]), (67.0, ["voice", "android"])):
        decision = decide(make_snapshot(81.0, *four(), ours=26.0, path=_known(value)), now=NOW)
        assert (decision.reason, _names(decision.steps)) == (Reason.ABOVE_THRESHOLD, gone)


@PROMISED
@given(snapshot=any_snapshots(st.floats(0.0, 79.9)), value=st.floats(0.0, 53.0), half=st.floats(0.0, 20.0))
def test_a_wider_band_never_acts_earlier(snapshot: Snapshot, value: float, half: float) -> None:
    """As long as what is expected lies below the threshold no width of the band makes this rule act."""
    known = replace(snapshot.outlook, ours_percent=26.0, path=_known(value, half=half))
    assert decide(replace(snapshot, outlook=known), now=NOW).rule != "about_to_be_above"


def test_nothing_is_started_into_what_is_about_to_be_over() -> None:
    """Who asks whether something may start now is told the same as the rules."""
    calm, rising = (make_snapshot(78.6, *four(), ours=26.0, path=_known(value)) for value in (52.0, 55.1))
    assert pressing(calm, NOW) is None
    answer = pressing(rising, NOW)
    assert answer is not None
    assert "81.1 %" in answer.message


def test_nothing_returns_into_what_the_next_step_is_known_to_bring() -> None:
    """It must fit beside that too, however low the rest of the way may be."""
    for value, top in ((40.0, 76.0), (57.0, 83.0)):
        outlook = make_snapshot(60.0, *four(), ours=26.0, path=_known(value, half=0.0, flat=50.0)).outlook
        assert outlook.top_percent(0.5) == pytest.approx(top)


def _rising() -> tuple[Panel, float]:
    """Give a panel of ramps that rises, two points before a bend, and the value that comes next."""
    values = make_ramps(2 * 300 + QUIET_ENOUGH, every=10)
    end = next(at for at in range(500, 600) if at % 10 == 7 and values[at] - values[at - 1] > 1.0)
    return fed_panel(values[:end]), values[end]


def test_the_next_step_is_told_only_beside_the_newest_sample() -> None:
    """A step that lies in the past already foretells nothing, nor does a forecast that the owner has switched off."""
    panel, coming = _rising()
    sample = make_sample(panel.signals.value, at=panel.at)
    known = look_out(sample, panel, POLICY, now=panel.at).next
    assert known is not None
    assert known.quantile(0.5) == pytest.approx(coming, abs=1e-6)
    late = make_sample(panel.signals.value, at=panel.at + 30.0)
    assert look_out(late, panel, POLICY, now=late.at).next is None
    assert look_out(sample, panel, OFF, now=panel.at).next is None


@pytest.mark.parametrize(("away", "known"), [(0.0, True), (1.0, True), (-12.0, False), (12.0, False)])
def test_an_early_sample_may_see_that_it_comes_otherwise(away: float, known: bool) -> None:  # noqa: FBT001 - a table
    """What is no more there when the next tick comes early is not asked for once more."""
    panel, _ = _rising()
    early = make_sample(panel.signals.value + away, at=panel.at + 15.0)
    assert (look_out(early, panel, POLICY, now=early.at).next is not None) is known


def test_an_emergency_and_a_step_that_settles_come_first() -> None:
    """What is known of the next step changes nothing about either."""
    rising = make_snapshot(78.6, *four(), ours=26.0, path=_known(55.1), in_flight=frozenset({"voice"}))
    assert decide(rising, now=NOW).verdict is Verdict.HOLD
