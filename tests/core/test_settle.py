"""Settling: late memory makes no second victim, and what frees nothing is known to free nothing."""

from dataclasses import replace

import pytest

from brownout.api.policy import Stabilization
from brownout.api.reasons import Reason
from brownout.core.bookkeeping import shed_done
from brownout.core.decide import decide
from brownout.core.ledger import Ledger, sampled, settled
from brownout.core.member import Member
from brownout.core.plan import Action, Step
from brownout.core.settle import Pending, Settled
from brownout.core.shed import step_down
from brownout.core.window import Window
from tests.worlds import NOW, POLICY, bytes_of, make_hold, make_member, make_sample, make_snapshot, the_four

STABILIZATION = Stabilization()


def _pending(*, expected: float | None, used: float = 90.0) -> Pending:
    size = None if expected is None else bytes_of(expected)
    return Pending(
        key="voice", rung=0, at=NOW, deadline=NOW + 30, used_before_bytes=bytes_of(used), expected_bytes=size
    )


def _off(member: Member) -> Step:
    return step_down(member, member.ladder.off, reason=Reason.ABOVE_THRESHOLD, because="x")


def _shed(
    ledger: Ledger, member: Member, step: Step | None = None, *, now: float = NOW, measured: bool = True
) -> Ledger:
    return shed_done(
        ledger,
        step or _off(member),
        now=now,
        stabilization=STABILIZATION,
        measured=measured,
        replicas_before=None,
    )


@pytest.mark.parametrize(
    ("used", "after_s", "outcome"),
    [
        (90.0, 0.0, Settled.WAITING),
        (82.0, 1.0, Settled.WAITING),  # 8 of 12 have come back: not enough yet
        (81.0, 1.0, Settled.FREED),  # three quarters are enough
        (60.0, 1.0, Settled.FREED),
        (90.0, 29.9, Settled.WAITING),
        (90.0, 30.0, Settled.INEFFECTIVE),
        (99.0, 30.0, Settled.INEFFECTIVE),  # the load grew meanwhile
        (None, 29.0, Settled.WAITING),
        (None, 30.0, Settled.INEFFECTIVE),
    ],
)
def test_it_waits_for_three_quarters_or_the_deadline(used: float | None, after_s: float, outcome: Settled) -> None:
    """A step has shown its effect when three quarters of 12 % are back; after 30 s it has had its time."""
    size = None if used is None else bytes_of(used)
    assert _pending(expected=12.0).outcome(size, now=NOW + after_s) is outcome


def test_without_an_expectation_anything_counts_at_the_end() -> None:
    """Where nobody knew what to expect it waits its whole time, and anything that came back is an effect."""
    pending = _pending(expected=None)
    assert pending.outcome(bytes_of(50.0), now=NOW + 29) is Settled.WAITING
    assert pending.outcome(bytes_of(89.0), now=NOW + 30) is Settled.FREED
    assert pending.outcome(bytes_of(90.0), now=NOW + 30) is Settled.INEFFECTIVE


def test_late_memory_makes_no_second_victim() -> None:
    """Voice goes at 84 %; its memory is back after 20 s; until then nobody else goes (fault M-09)."""
    members = the_four()
    ledger = sampled(Ledger(), make_sample(84.0), POLICY)
    (step,) = decide(make_snapshot(84.0, *members), now=NOW).steps
    ledger = _shed(ledger, members[0], step)
    held = the_four(voice=make_member("voice", 12.0, priority=10, hold=ledger.holds["voice"]))
    for after_s, percent in ((5.0, 84.0), (10.0, 83.0), (15.0, 82.0), (20.0, 72.0), (25.0, 72.0)):
        ledger = sampled(ledger, make_sample(percent, NOW + after_s), POLICY)
        ledger, _ = settled(ledger, now=NOW + after_s)
        assert decide(make_snapshot(percent, *held, pending=ledger.pending), now=NOW + after_s).steps == ()
    assert ledger.pending is None


def test_what_frees_nothing_is_remembered() -> None:
    """Nobody measures voice, and nothing came back: it is not counted on again (fault M-08)."""
    voice = make_member("voice", 12.0)
    ledger = _shed(sampled(Ledger(), make_sample(84.0), POLICY), voice, measured=False)
    ledger = sampled(ledger, make_sample(84.0, NOW + 30.0), POLICY)
    ledger, outcome = settled(ledger, now=NOW + 30.0)
    assert outcome is Settled.INEFFECTIVE
    assert ledger.learned == {("voice", 0): (0,)}


def test_what_came_back_is_what_it_held() -> None:
    """An unmeasured member's footprint is learned from the memory that came back when it went."""
    ledger = _shed(sampled(Ledger(), make_sample(84.0), POLICY), make_member("voice", 12.0), measured=False)
    ledger, outcome = settled(sampled(ledger, make_sample(74.0, NOW + 10.0), POLICY), now=NOW + 10.0)
    assert (outcome, ledger.learned) == (Settled.FREED, {("voice", 0): (bytes_of(10.0),)})


def test_a_lower_level_counts_with_what_it_still_holds() -> None:
    """Four come back on the way to a level of 8 %: it held 12; where the lower level is not known, neither is that."""
    voice = make_member("voice", (12.0, 8.0))
    step = step_down(voice, 1, reason=Reason.ABOVE_THRESHOLD, because="x")
    assert step.action is Action.LOWER
    ledger = _shed(sampled(Ledger(), make_sample(84.0), POLICY), voice, step, measured=False)
    ledger, outcome = settled(sampled(ledger, make_sample(80.0, NOW + 10.0), POLICY), now=NOW + 10.0)
    assert (outcome, ledger.learned) == (Settled.FREED, {("voice", 0): (bytes_of(12.0),)})
    unknown = _shed(
        sampled(Ledger(), make_sample(84.0), POLICY), voice, replace(step, leaves_bytes=None), measured=False
    )
    assert unknown.pending is not None
    assert not unknown.pending.learns


def test_what_was_thought_to_free_nothing_can_do_better() -> None:
    """Learned to be nothing (its memory came back too late), it is watched again the next time, and learned anew."""
    voice = make_member("voice", 0.0)
    ledger = Ledger(learned={("voice", 0): (0,)})
    ledger = _shed(sampled(ledger, make_sample(84.0), POLICY), voice, measured=False)
    ledger, _ = settled(sampled(ledger, make_sample(72.0, NOW + 30.0), POLICY), now=NOW + 30.0)
    assert ledger.learned == {("voice", 0): (0, bytes_of(12.0))}


def test_measured_members_learn_nothing_this_way() -> None:
    """What is measured is known better than by what came back."""
    ledger = _shed(sampled(Ledger(), make_sample(84.0), POLICY), make_member("voice", 12.0, measured=True))
    ledger, _ = settled(sampled(ledger, make_sample(84.0, NOW + 30.0), POLICY), now=NOW + 30.0)
    assert ledger.learned == {}


def test_the_steps_of_one_plan_are_waited_for_together() -> None:
    """Voice and android must give back three quarters of 20 %; nothing is learned of either by itself."""
    ledger = sampled(Ledger(), make_sample(94.0), POLICY)
    for name, size in (("voice", 12.0), ("android", 8.0)):
        ledger = _shed(ledger, make_member(name, size), measured=False)
    assert ledger.pending is not None
    assert (ledger.pending.expected_bytes, ledger.pending.learns) == (bytes_of(20.0), False)
    early, outcome = settled(sampled(ledger, make_sample(82.0, NOW + 10.0), POLICY), now=NOW + 10.0)
    assert (outcome, early.pending is None) == (Settled.WAITING, False)
    _, outcome = settled(sampled(ledger, make_sample(79.0, NOW + 10.0), POLICY), now=NOW + 10.0)
    assert outcome is Settled.FREED


def test_an_older_look_says_nothing_of_a_newer_step() -> None:
    """A sample from before the step is no proof that it did nothing, or anything."""
    ledger = _shed(sampled(Ledger(), make_sample(84.0, NOW - 20.0), POLICY), make_member("voice", 12.0))
    ledger = replace(ledger, sample=make_sample(50.0, NOW - 1.0))
    assert settled(ledger, now=NOW + 5.0)[1] is Settled.WAITING


def test_a_slow_stop_is_judged_by_what_was_in_use_before_it() -> None:
    """Memory that came back while a graceful stop was still under way came back because of it."""
    ledger = sampled(Ledger(), make_sample(84.0), POLICY)
    ledger = sampled(ledger, make_sample(73.0, NOW + 30.0), POLICY)
    ledger = shed_done(
        ledger,
        _off(make_member("voice", 12.0)),
        now=NOW + 40.0,
        began=NOW + 1.0,
        stabilization=STABILIZATION,
        measured=False,
        replicas_before=None,
    )
    assert ledger.pending is not None
    assert ledger.pending.used_before_bytes == bytes_of(84.0)
    ledger, outcome = settled(sampled(ledger, make_sample(73.0, NOW + 41.0), POLICY), now=NOW + 41.0)
    assert (outcome, ledger.learned) == (Settled.FREED, {("voice", 0): (bytes_of(11.0),)})


def test_who_held_nothing_is_not_waited_for() -> None:
    """Switching off what does not run, or obeying the owner, needs no proof and begins no wait for returns."""
    ledger = sampled(Ledger(), make_sample(70.0), POLICY)
    waiting = make_member("voice", 12.0, hold=make_hold())
    assert _shed(ledger, waiting).pending is None
    wish = step_down(make_member("voice", 12.0), 1, reason=Reason.DISABLED_BY_OWNER, because="x")
    after = _shed(ledger, waiting, wish)
    assert (after.pending, after.last_shed_at) == (None, 0.0)


def test_without_a_reading_there_is_nothing_to_compare() -> None:
    """Where memory was never read a step cannot be verified; the ledger goes on without."""
    assert _shed(Ledger(window=Window()), make_member("voice", 12.0)).pending is None
