"""Admission: what is asleep starts with a request, but never where any other start would wait."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import BudgetState, Reason
from brownout.core.admission import refusal
from brownout.core.decide import pressing
from brownout.core.member import Member, Observation, Presence
from brownout.core.settle import Pending
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import (
    NOW,
    ONE_PERCENT,
    bytes_of,
    make_allowance,
    make_forecast,
    make_hold,
    make_member,
    make_snapshot,
)

ASLEEP = {"memory_bytes": 0, "asleep": True, "identity": "asleep"}
BY_COST = make_policy(decide={"strategy": "ExpectedCost"}).spec


def _asleep(name: str = "voice", size: float | tuple[float, ...] | None = 12.0, **changes: Any) -> Member:
    return make_member(name, size, **{"observation": ASLEEP, **changes})


def _asked(snapshot: Snapshot, key: str = "voice") -> str:
    return refusal(snapshot, (key,), now=NOW)


def test_what_fits_starts() -> None:
    """At its highest it must stay under 80 %; reaching 80 % is not under it."""
    assert _asked(make_snapshot(67.9, _asleep())) == ""
    assert _asked(make_snapshot(50.0, _asleep(peak=29.9))) == ""
    assert _asked(make_snapshot(50.0, _asleep(peak=30.0))) != ""


def test_what_is_lowered_wakes_at_its_level() -> None:
    """It is held at a level, not off: a request to it is served there, and needs what that level takes."""
    assert _asked(make_snapshot(60.0, _asleep(size=(30.0, 12.0), hold=make_hold(rung=1)))) == ""


def test_who_asks_again_is_not_counted_twice() -> None:
    """Room was taken for it a moment ago: that is its own."""
    assert _asked(make_snapshot(60.0, _asleep(), waking=frozenset({"voice"}))) == ""


def test_a_refusal_says_the_figures_and_when_to_ask_again() -> None:
    """What it takes, what it would come to, below what it fits, and in how many seconds things are looked at anew."""
    assert _asked(make_snapshot(71.0, _asleep())) == (
        "RAM 71.0 %: with voice, which takes up to 12 GiB, it would be 83.0 %, not under 80 %; "
        "it fits when RAM stays below 68.0 %, ask again in 30 s"
    )
    assert _asked(make_snapshot(10.0, _asleep(size=90.0))).endswith("it does not fit here, ask again in 30 s")


def test_nothing_starts_beside_pressure() -> None:
    """Measured, foreseen, in an emergency, or not known at all: each says so in the words of its rule."""
    seen = {
        "RAM 84.0 %, over 80 %": make_snapshot(84.0, _asleep(size=0.1)),
        "RAM 96.0 %, over 95 %: emergency": make_snapshot(96.0, _asleep(size=0.1)),
        "RAM unknown": make_snapshot(None, _asleep(size=0.1)),
        "and 85.0 %": make_snapshot(70.0, _asleep(size=0.1), forecast=make_forecast(85.0)),
    }
    for words, snapshot in seen.items():
        assert words in _asked(snapshot)
        assert _asked(snapshot).endswith("ask again in 30 s")


def test_it_does_not_disturb_a_step_that_settles() -> None:
    """What it takes would hide what the step frees; the answer says how long that lasts."""
    pending = Pending(key="a", rung=0, at=NOW - 10, deadline=NOW + 20, used_before_bytes=1, expected_bytes=1)
    assert _asked(make_snapshot(50.0, _asleep(), pending=pending)).endswith("ask again in 20 s")


def test_a_switch_under_way_is_counted_and_not_waited_for() -> None:
    """A plan that starts another one has its room already; that its key is in flight too stops nobody."""
    android = make_member("android", 20.0, presence=Presence.STOPPED)
    assert _asked(make_snapshot(50.0, _asleep(), android, in_flight=frozenset({"android", "voice"}))) != ""
    assert _asked(make_snapshot(47.0, _asleep(), android, in_flight=frozenset({"android", "voice"}))) == ""


def test_what_must_serve_starts_whatever_the_load() -> None:
    """The essential, and what it depends on."""
    stubs = make_member("stubs", 1.0, priority=1000, essential=True, depends_on=["voice"])
    assert _asked(make_snapshot(94.0, _asleep(), stubs)) == ""
    assert _asked(make_snapshot(None, _asleep(essential=True))) == ""


def test_what_is_held_down_says_who_holds_it() -> None:
    """Its owner, its budget, or we; with what brings it back."""
    assert "its owner wants it off" in _asked(make_snapshot(50.0, _asleep(enabled=False)))
    spent = _asked(make_snapshot(50.0, _asleep(allowance=make_allowance(BudgetState.EXCEEDED))))
    assert spent.endswith("it returns when it is 00:00 UTC")
    held = _asked(make_snapshot(50.0, _asleep(hold=make_hold(reason=Reason.EMERGENCY))))
    assert held.startswith("as it was said then; it returns when RAM below 65 % for 5 min")
    assert _asked(make_snapshot(50.0), "voice") == "it is not declared here"


def test_two_that_are_asked_at_once_do_not_both_take_the_same_room() -> None:
    """The second is refused while the first has not yet taken what it will take, and names it."""
    both = make_snapshot(60.0, _asleep(), _asleep("android"))
    assert (_asked(both), _asked(both, "android")) == ("", "")
    after = replace(both, waking=frozenset({"voice"}))
    assert ", and 12 GiB for voice, which is still to start, it would be 84.0 %" in _asked(after, "android")


def test_what_has_come_up_is_not_counted_twice() -> None:
    """Of one that starts only what it does not hold yet is counted: the rest is measured."""
    half = replace(_asleep(), observed=replace(_asleep().observed, asleep=False, memory_bytes=bytes_of(6.0)))
    waking = frozenset({"voice"})
    assert _asked(make_snapshot(61.9, half, _asleep("android"), waking=waking), "android") == ""
    assert _asked(make_snapshot(62.0, half, _asleep("android"), waking=waking), "android") != ""


def test_one_whose_size_nobody_knows_starts_alone() -> None:
    """Else any number of them could start in the moment before the first is measured."""
    both = make_snapshot(50.0, _asleep(size=None), _asleep("android", None))
    assert (_asked(both), _asked(both, "android")) == ("", "")
    after = replace(both, waking=frozenset({"voice"}))
    assert "voice is being started, and what it takes is not known yet" in _asked(after, "android")
    assert _asked(after) == ""


def test_what_starts_together_must_fit_together() -> None:
    """One that requires another is asked about with it: both, or neither; and their sizes may both be unknown."""
    pair = ("android", "voice")
    both = make_snapshot(55.9, _asleep(), _asleep("android"))
    assert refusal(both, pair, now=NOW) == ""
    tight = make_snapshot(56.0, _asleep(), _asleep("android"))
    assert "with voice, which takes up to 12 GiB, and 12 GiB for android" in refusal(tight, pair, now=NOW)
    unknown = make_snapshot(50.0, _asleep(size=None), _asleep("android", None))
    assert refusal(unknown, pair, now=NOW) == ""


@FEWER
@given(any_snapshots(st.floats(0.0, 94.9)), st.data())
def test_any_number_of_first_requests_never_cross_the_threshold(snapshot: Snapshot, data: st.DataObject) -> None:
    """Whoever is let in, in whatever order they are asked: with all that they take at most, memory stays below 80 %.

    And nothing is let in while a rule would take something from somebody.
    """
    sleepers = {each.key: _slept(each) for each in snapshot.members if each.footprint(0).known}
    members = tuple(sleepers.get(each.key, each) for each in snapshot.members)
    world, taken = replace(snapshot, members=members), 0.0
    for key in data.draw(st.permutations(sorted(sleepers))):
        if key in world.untouchable or _asked(world, key):
            continue
        assert pressing(replace(world, in_flight=frozenset()), NOW) is None
        taken += sleepers[key].footprint(sleepers[key].rung).peak_bytes / ONE_PERCENT
        world = replace(world, waking=world.waking | {key})
        assert (world.outlook.measured_percent or 0.0) + taken < world.policy.thresholds.disable + 1e-9


def _slept(member: Member) -> Member:
    return replace(member, observed=Observation(presence=Presence.RUNNING, memory_bytes=0, asleep=True))
