"""Room that is spoken for: what is on but asleep holds nothing, and is still counted on."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from brownout.api.reasons import Reason
from brownout.core.choice import choose
from brownout.core.decide import bring_back, decide
from brownout.core.ledger import Ledger, footprints_measured
from brownout.core.member import Member, Observation, Presence
from brownout.core.plan import Action, Verdict
from brownout.core.restore import fits
from brownout.core.room import Room, spoken_for
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, bytes_of, make_hold, make_member, make_path, make_snapshot

LONG_CALM = NOW - 86_400.0


def _asleep(name: str, size: float | tuple[float, ...], **changes: Any) -> Member:
    return make_member(name, size, **{"observation": {"memory_bytes": 0, "asleep": True}, **changes})


def _off(name: str, size: float, **changes: Any) -> Member:
    return make_member(name, size, **{"hold": make_hold(), **changes})


def _returning(percent: float, *members: Member, **rest: Any) -> str:
    answer = bring_back(make_snapshot(percent, *members, calm_since=LONG_CALM, **rest), NOW)
    assert answer is not None
    return answer.message


def test_the_room_of_a_more_important_sleeper_is_kept() -> None:
    """Voice does not return into what android will need with its first request; the sentence says for whom it waits."""
    android, voice = _asleep("android", 20.0, priority=20), _off("voice", 12.0, priority=10)
    assert "enabled voice" in _returning(47.9, android, voice)
    waits = _returning(48.0, android, voice)
    assert (
        "voice, which takes up to 12 GiB, and 20 GiB for android, which is still to start, it would be 80.0 %" in waits
    )


def test_a_less_important_sleeper_keeps_nobody_waiting() -> None:
    """What returns is more important than what nobody asks for."""
    discord, voice = _asleep("discord", 20.0, priority=5), _off("voice", 12.0, priority=10)
    assert "enabled voice" in _returning(60.0, discord, voice)


def test_no_room_is_kept_for_what_would_not_fit_anyway() -> None:
    """Else one large sleeper would keep everything off for ever, and not start itself either."""
    large, small = _asleep("large", 40.0, priority=30), _asleep("small", 5.0, priority=20)
    voice = _off("voice", 12.0, priority=10)
    snapshot = make_snapshot(50.0, large, small, voice)
    assert spoken_for(snapshot, voice, top_percent=50.0) == Room(size_bytes=bytes_of(5.0), names=("small",))
    assert "enabled voice" in _returning(50.0, large, small, voice)


def test_of_two_sleepers_the_more_important_has_its_room_first() -> None:
    """Together they would not fit: the less important one's room is kept only beside that of the other."""
    android, discord = _asleep("android", 15.0, priority=30), _asleep("discord", 20.0, priority=20)
    voice = _off("voice", 5.0, priority=10)
    kept = spoken_for(make_snapshot(50.0, android, discord, voice), voice, top_percent=50.0)
    assert kept == Room(size_bytes=bytes_of(15.0), names=("android",))


def test_a_sleeper_that_is_raised_keeps_no_room_for_itself() -> None:
    """What it takes at its better level is all that it takes."""
    lowered = _asleep("voice", (30.0, 20.0), hold=make_hold(rung=1))
    assert "raised voice to level-0 again" in _returning(45.0, lowered)


def test_who_starts_already_is_counted_whatever_its_place() -> None:
    """Its memory is on the way, so nothing returns into it, and no first start either."""
    discord, voice = _asleep("discord", 20.0, priority=5), _off("voice", 12.0, priority=10)
    assert "would be 82.0 %" in _returning(50.0, discord, voice, waking=frozenset({"discord"}))
    stopped = make_member("voice", 12.0, priority=10, presence=Presence.STOPPED)
    decision = decide(make_snapshot(50.0, discord, stopped, waking=frozenset({"discord"})), now=NOW)
    assert [(step.key, step.reason) for step in decision.steps] == [("voice", Reason.DOES_NOT_FIT)]


def test_who_was_switched_off_meanwhile_is_not_counted() -> None:
    """It started a moment ago, and its owner, or pressure, has ended it since: nothing of it is on the way."""
    voice = _off("voice", 12.0, priority=10)
    for gone in (make_member("discord", 20.0, hold=make_hold()), make_member("discord", 20.0, enabled=False)):
        snapshot = make_snapshot(50.0, gone, voice, waking=frozenset({"discord"}))
        assert spoken_for(snapshot, voice, top_percent=50.0) == Room.NONE


def test_prices_leave_that_room_too() -> None:
    """What returns by price fits beside what sleeps and is more important."""
    policy = make_policy(decide={"strategy": "ExpectedCost"}, restore={"strategy": "WhenItFits"}).spec
    voice = _off("voice", 12.0, priority=10)
    for percent, size, verdict in ((50.0, 5.0, Verdict.RESTORE), (50.0, 18.0, Verdict.HOLD)):
        android = _asleep("android", size, priority=20)
        snapshot = make_snapshot(percent, android, voice, policy=policy, path=make_path(50.0), calm_since=LONG_CALM)
        choice = choose(snapshot)
        assert choice is not None
        assert choice.best < choice.at
        assert decide(snapshot, now=NOW).verdict is verdict


def test_what_does_not_fit_by_price_is_told_with_the_figure_that_it_was_held_to() -> None:
    """Beside what is measured android's room is kept, beside what is foreseen it would not be: the sentence says so."""
    policy = make_policy(decide={"strategy": "ExpectedCost"}, restore={"strategy": "WhenItFits"}).spec
    voice, android = _off("voice", 7.0, priority=10), _asleep("android", 14.0, priority=20)
    snapshot = make_snapshot(60.0, android, voice, policy=policy, path=make_path(67.0), calm_since=LONG_CALM)
    decision = decide(snapshot, now=NOW)
    assert decision.reason is Reason.DOES_NOT_FIT
    assert "and 14 GiB for android, which is still to start, it would be 89.4 %, not under 80 %" in decision.message


def test_sleep_teaches_nothing_about_size() -> None:
    """A plugin that slept for a week is still as large as its owner says, and what it was measured to take."""
    seen = Observation(presence=Presence.RUNNING, memory_bytes=0, asleep=True)
    assert not footprints_measured(Ledger(), {"voice": seen}).measured
    awake = replace(seen, memory_bytes=bytes_of(1.0), asleep=False)
    assert footprints_measured(Ledger(), {"voice": awake}).measured


@pytest.mark.parametrize(("asleep", "takes"), [(True, 14.0), (False, 2.0)])
def test_a_sleeper_takes_all_of_it(asleep: bool, takes: float) -> None:  # noqa: FBT001 - a table of cases
    """What runs takes the difference to its peak; what sleeps takes the whole."""
    member = make_member("voice", 12.0, peak=14.0, observation={"memory_bytes": bytes_of(12.0), "asleep": asleep})
    member = replace(member, observed=replace(member.observed, memory_bytes=0 if asleep else bytes_of(12.0)))
    assert (member.takes_bytes(0), member.yet_bytes) == (bytes_of(takes), bytes_of(takes))


def test_to_switch_a_sleeper_off_frees_nothing() -> None:
    """So the plan goes on to the next, and nobody waits to see what that step frees."""
    sleeper, android = _asleep("voice", 12.0, priority=10), make_member("android", 8.0, priority=20, measured=True)
    decision = decide(make_snapshot(84.0, sleeper, android), now=NOW)
    assert [(step.key, step.action) for step in decision.steps] == [
        ("voice", Action.DISABLE),
        ("android", Action.DISABLE),
    ]
    assert (decision.steps[0].delta_bytes, decision.steps[0].leaves_bytes) == (0, None)


@FEWER
@given(any_snapshots())
def test_where_nobody_sleeps_nothing_is_kept(snapshot: Snapshot) -> None:
    """In any world: without sleepers and switches no room is spoken for, and with them never less fits than without."""
    awake = replace(snapshot, in_flight=frozenset())
    for member in awake.order:
        assert spoken_for(awake, member, top_percent=50.0) == Room.NONE
        sleeping = tuple(
            replace(each, observed=replace(each.observed, asleep=each.key != member.key)) for each in awake.members
        )
        assert not fits(replace(awake, members=sleeping), member, 0) or fits(awake, member, 0)
