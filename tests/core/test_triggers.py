"""Triggers: what turns each of them on, that unknown never does, and how far one may go."""

import math
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Reason
from brownout.core.decide import decide
from brownout.core.foresight import bound
from brownout.core.plan import Verdict
from brownout.core.rates import RequestReading
from brownout.core.snapshot import Snapshot
from brownout.core.triggers import Load, Trigger, peak_ahead, pressure, spiking_now, triggers_of
from brownout.core.window import Window
from tests.builders import make_integration, make_policy
from tests.core.drawn import FEWER, any_snapshots
from tests.core.test_rates import make_reading
from tests.worlds import NOW, POLICY, make_forecast, make_hold, make_member, make_snapshot, make_window
from tests.worlds import the_four as four

SPIKE = Trigger(reason=Reason.LOAD_SPIKE, message="voice gets 12.0 requests/s, normal are 3.0", key="voice")


def make_load(window: Window | None = None, **readings: RequestReading) -> Load:
    """Make a load; integrations of the same names have a latency budget of 200 ms."""
    return Load(
        readings=MappingProxyType(readings),
        integrations={key: make_integration(key) for key in readings},
        window=window or Window(),
    )


def make_stalls(*stalls: float | None, percent: float | None = 40.0) -> Window:
    """Make a window of these stalls, half a minute apart."""
    window = Window()
    for sample, stall in zip(make_window(f"flat 40 x{len(stalls)}").samples, stalls, strict=True):
        window = window.add(replace(sample, stall_percent=stall, memory_percent=percent))
    return window


def serving(**changes: Any) -> RequestReading:
    """Make a reading of 60 requests in 30 s, at a normal rate."""
    return replace(make_reading(2.0, normal=2.0), **{"recent": 60, **changes})


def test_a_spike_names_who_and_both_rates() -> None:
    """The sentence can be checked with two figures."""
    (trigger,) = triggers_of(make_load(voice=make_reading(12.0), android=make_reading(4.0)), POLICY, now=NOW)
    assert (trigger.reason, trigger.key) == (Reason.LOAD_SPIKE, "voice")
    assert trigger.message == "voice gets 12.0 requests/s, normal are 4.0"


def test_who_is_in_a_spike_is_remembered_by_the_caller() -> None:
    """A spike lasts while the rate does, also when the rise is long past; then it ends."""
    late = make_load(voice=make_reading(12.0, before=12.0))
    assert spiking_now(late, POLICY) == frozenset()
    assert spiking_now(replace(late, spiking=frozenset({"voice"})), POLICY) == {"voice"}
    calm = make_load(voice=make_reading(4.0))
    assert spiking_now(replace(calm, spiking=frozenset({"voice", "gone"})), POLICY) == frozenset()


@pytest.mark.parametrize(("above", "on"), [(0, False), (9, True), (10, True), (10.1, False)])
def test_the_rate_is_that_of_the_machine(above: float, on: bool) -> None:  # noqa: FBT001
    """All requests together at or above `rate.above`; 0 is no trigger, and a normal rate need not be known."""
    load = make_load(voice=make_reading(6.0, normal=None), android=make_reading(4.0, normal=None))
    found = triggers_of(load, make_policy(rate={"above": above}).spec, now=NOW)
    assert [trigger.reason for trigger in found] == [Reason.LOAD_SPIKE] * on


@pytest.mark.parametrize(
    ("suffering", "words"),
    [
        ({"response_ms": 350.0}, "voice takes 350 ms to answer, its budget is 200 ms and RAM is at 70.0 %"),
        ({"failure_share": 0.25}, "voice fails 25.0 % of its requests and RAM is at 70.0 %"),
        ({"response_ms": 200.0, "failure_share": 0.09}, ""),
        ({"response_ms": None, "failure_share": None}, ""),
        ({"response_ms": 350.0, "recent": 4}, ""),
    ],
)
def test_the_slow_and_the_failing_are_evidence_under_pressure(suffering: dict[str, Any], words: str) -> None:
    """Over the latency budget or one in ten failing, of at least five requests (requirement D6)."""
    load = make_load(make_window("flat 70 x3"), voice=serving(**suffering))
    assert [trigger.message for trigger in triggers_of(load, POLICY, now=NOW)] == [words] * bool(words)


def test_the_slow_alone_are_no_evidence() -> None:
    """With plenty of memory their slowness has another cause."""
    load = make_load(make_window("flat 40 x30"), voice=serving(response_ms=5000.0, failure_share=1.0))
    assert triggers_of(load, POLICY, now=NOW) == ()


@pytest.mark.parametrize(
    ("window", "pressed"),
    [
        (make_stalls(0.0, 0.0, 5.0), True),
        (make_stalls(5.0, 5.0, 5.0), False),
        (make_stalls(0.0, 0.0, 0.9), False),
        (make_stalls(5.0), False),
        (make_stalls(0.0, 0.0, None), False),
        (make_stalls(0.0, 0.0, math.nan), False),
        (make_stalls(None, percent=65.0), True),
        (make_stalls(None, percent=64.9), False),
        (make_stalls(None, percent=None), False),
        (Window(), False),
    ],
)
def test_pressure_needs_a_witness(window: Window, pressed: bool) -> None:  # noqa: FBT001
    """PSI only while it rises, or memory at the enable threshold; nothing known is no pressure."""
    assert bool(pressure(window, POLICY)) is pressed


@pytest.mark.parametrize(
    ("peak", "on"),
    [
        (make_forecast(79.0), True),
        (make_forecast(79.0, votes=False), False),
        (make_forecast(70.0), False),
        (make_forecast(79.0, half=math.inf), False),
        (replace(make_forecast(79.0), at=NOW - 1.0), False),
        (None, False),
    ],
)
def test_a_daily_peak_is_announced_by_its_upper_bound(peak: Any, on: bool) -> None:  # noqa: FBT001
    """One that votes, is bounded, reaches the threshold and is still to come."""
    found = peak_ahead(peak, POLICY, now=NOW)
    assert [trigger.message for trigger in found] == ["the daily peak in 5 min takes RAM up to 81.0 %, over 80 %"] * on
    assert all(trigger.reason is Reason.DAILY_PEAK_AHEAD for trigger in found)


_UNKNOWN = st.builds(
    lambda rate, recent: RequestReading(at=NOW, within_s=30.0, rate=rate, recent=recent),
    st.floats(0.0, 1e6),
    st.integers(0, 10**6),
)


@given(readings=st.dictionaries(st.sampled_from("abc"), _UNKNOWN), used=st.none() | st.floats(0.0, 120.0))
def test_what_is_not_known_turns_nothing_on(readings: dict[str, RequestReading], used: float | None) -> None:
    """No normal rate, no response times, no failures, no limit on the rate: no trigger, however full the machine."""
    window = make_stalls(None, None, percent=used)
    assert triggers_of(make_load(window, **readings), POLICY, now=NOW) == ()


# --- what the decision makes of them -------------------------------------------------------------------------------


def test_a_trigger_sheds_on_the_upper_bound() -> None:
    """What is held possible is prepared for, and the sentence has all its numbers."""
    snapshot = make_snapshot(74.0, *four(), forecast=make_forecast(78.0, half=4.0), triggers=(SPIKE,))
    decision = decide(snapshot, now=NOW)
    assert (decision.verdict, decision.reason, decision.rule) == (Verdict.SHED, Reason.LOAD_SPIKE, "triggered")
    assert decision.message == (
        "voice gets 12.0 requests/s, normal are 3.0; RAM 74.0 % now and up to 82.0 % in 5 min, over 80 %: "
        "disabled voice, which frees about 12 GiB"
    )
    assert decide(replace(snapshot, triggers=()), now=NOW).steps == ()


def test_the_bound_need_not_have_the_vote() -> None:
    """The vote is about the point; the bound rests on past errors, and is last-value's too."""
    snapshot = make_snapshot(78.0, *four(), forecast=make_forecast(78.0, votes=False), triggers=(SPIKE,))
    assert decide(snapshot, now=NOW).verdict is Verdict.SHED


def test_a_policy_without_forecasts_has_no_bound() -> None:
    """`forecast.model: Off`: decisions rest on what is measured, triggered or not."""
    policy = make_policy(forecast={"model": "Off"}).spec
    snapshot = make_snapshot(78.0, *four(), forecast=make_forecast(79.0), triggers=(SPIKE,), policy=policy)
    assert (bound(snapshot), decide(snapshot, now=NOW).steps) == (None, ())


def test_nothing_returns_while_a_trigger_is_on() -> None:
    """It is calm and would fit; the hold says what it waits for. Once it is off, it returns."""
    voice = make_member("voice", 12.0, priority=10, hold=make_hold())
    snapshot = make_snapshot(40.0, *four(voice=voice), calm_since=NOW - 86_400.0, triggers=(SPIKE,))
    decision = decide(snapshot, now=NOW)
    assert (decision.verdict, decision.reason) == (Verdict.HOLD, Reason.LOAD_SPIKE)
    assert decision.message == "RAM 40.0 %: nothing returns while voice gets 12.0 requests/s, normal are 3.0"
    assert decide(replace(snapshot, triggers=()), now=NOW).verdict is Verdict.RESTORE


@FEWER
@given(
    snapshot=any_snapshots(),
    half=st.sampled_from([math.inf, math.nan]) | st.floats(7.51, 1e9),
    value=st.floats(0.0, 79.9),
    votes=st.booleans(),
)
def test_without_a_bound_a_trigger_sheds_nothing(
    snapshot: Snapshot,
    half: float,
    value: float,
    votes: bool,  # noqa: FBT001
) -> None:
    """An upper end that is endless, or wider than the dead band, takes nobody that would not go without a trigger."""
    unbounded = replace(snapshot.outlook, total=make_forecast(value, half=half, votes=votes))
    calm = replace(snapshot, outlook=unbounded)
    going = {step.key for step in decide(calm, now=NOW).steps if step.action.sheds}
    triggered = decide(replace(calm, triggers=(SPIKE,)), now=NOW)
    assert {step.key for step in triggered.steps if step.action.sheds} == going


@FEWER
@given(snapshot=any_snapshots())
def test_with_a_trigger_nothing_ever_returns(snapshot: Snapshot) -> None:
    """In no world at all; and the essential is as untouchable as ever."""
    decision = decide(replace(snapshot, triggers=(SPIKE,)), now=NOW)
    assert decision.verdict is not Verdict.RESTORE
    for step in decision.steps:
        assert not step.action.sheds or step.key not in snapshot.untouchable or not snapshot.by_key[step.key].wanted
