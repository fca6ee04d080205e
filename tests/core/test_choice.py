"""The choice of ExpectedCost: the line of moves, the place on it, and what follows from the best one."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from brownout.api.reasons import Reason
from brownout.core.choice import Choice, choose
from brownout.core.decide import decide
from brownout.core.member import Member
from brownout.core.plan import Action, Decision, Verdict
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import FEWER, any_snapshots, weighed_snapshots
from tests.worlds import NOW, POLICY, make_hold, make_member, make_path, make_snapshot, the_four

COST = make_policy(decide={"strategy": "ExpectedCost"}).spec
BOTH = make_policy(decide={"strategy": "ExpectedCost"}, restore={"strategy": "WhenItFits"}).spec
#: What each of the four takes; the essential stubs 1 more.
SIZES = {"voice": 12.0, "android": 8.0, "discord": 5.0}


def _box(base: float, *away: str, foreseen: float | None = None, **rest: Any) -> Snapshot:
    """Make the four on a base load that stays, or goes to `foreseen`; those in `away` are held off by us."""
    off = {name: make_member(name, SIZES[name], priority=_rank(name), hold=make_hold()) for name in away}
    ours = 26.0 - sum(SIZES[name] for name in away)
    path = make_path(*[base if foreseen is None else foreseen] * 10, half=0.5)
    return make_snapshot(base + ours, *the_four(**off), **{"policy": BOTH, "ours": ours, "path": path, **rest})


def _rank(name: str) -> int:
    return 10 * (1 + [*SIZES].index(name))


def _choice(snapshot: Snapshot) -> Choice:
    choice = choose(snapshot)
    assert choice is not None
    return choice


def _names(choice: Choice) -> list[str]:
    return [member.name for member, _ in choice.moves]


def _answer(snapshot: Snapshot) -> Decision:
    decision = decide(snapshot, now=NOW)
    assert decision.rule == "expected_cost"
    return decision


def test_it_is_asked_only_where_the_owner_chose_prices() -> None:
    """Under Thresholds there is no choice, and no such rule answers."""
    snapshot = _box(64.0, policy=POLICY)
    assert choose(snapshot) is None
    assert decide(snapshot, now=NOW).rule == "above_threshold"


def test_without_enough_to_weigh_the_thresholds_decide() -> None:
    """No path, no measurement, no limit, or a size that nobody knows: it has nothing to say."""
    snapshot = _box(64.0)
    unknown = make_member("voice", None, priority=10)
    for unready in (
        replace(snapshot, outlook=replace(snapshot.outlook, path=None)),
        replace(snapshot, outlook=replace(snapshot.outlook, limit_bytes=None)),
        replace(snapshot, outlook=replace(snapshot.outlook, measured_percent=None)),
        replace(snapshot, members=(unknown, *snapshot.members[1:])),
    ):
        assert choose(unready) is None
        assert decide(unready, now=NOW).rule in ("above_threshold", "metrics_unknown")


@pytest.mark.parametrize(
    ("away", "at", "ours"),
    [((), 0, 26.0), (("voice",), 1, 14.0), (("voice", "android"), 2, 6.0), (("voice", "android", "discord"), 3, 1.0)],
)
def test_the_line_is_the_degradation_order(away: tuple[str, ...], at: int, ours: float) -> None:
    """From everything on to everything off, whatever is off already; the place is how many moves are taken."""
    choice = _choice(_box(40.0, *away))
    assert _names(choice) == ["voice", "android", "discord"]
    assert choice.at == at
    assert choice.ours_percent == pytest.approx((26.0, 14.0, 6.0, 1.0))
    assert choice.ours_percent[at] == pytest.approx(ours)


def test_levels_are_lowered_before_anybody_goes() -> None:
    """Each lower level is a place of its own: all are lowered, round by round, before any is off."""
    voice = make_member("voice", (12.0, 8.0, 4.0), priority=10, measured=True)
    android = make_member("android", (8.0, 6.0), priority=20, measured=True)
    choice = _choice(make_snapshot(60.0, voice, android, policy=COST, ours=20.0, path=make_path(40.0)))
    assert [(member.name, rung) for member, rung in choice.moves] == [
        ("voice", 1), ("android", 1), ("voice", 2), ("voice", 3), ("android", 2),
    ]  # fmt: skip
    assert choice.ours_percent == pytest.approx((20.0, 16.0, 14.0, 10.0, 6.0, 0.0))


def test_who_stands_deeper_than_the_line_is_left_out() -> None:
    """Android is off though voice runs: it is no part of the line, and returns by the other rule."""
    choice = _choice(_box(40.0, "android"))
    assert (_names(choice), choice.at) == (["voice", "discord"], 0)
    assert choice.ours_percent == pytest.approx((18.0, 6.0, 1.0))


def test_the_essential_and_the_pinned_are_never_in_it() -> None:
    """No price takes them."""
    pinned = make_member("android", 8.0, priority=20, measured=True, pinned=True)
    snapshot = _box(64.0)
    assert _names(_choice(replace(snapshot, members=(*the_four(android=pinned),)))) == ["voice", "discord"]


def test_what_has_to_go_is_a_beginning_of_the_line() -> None:
    """At a base that stays at 72 % voice and android go: 98 becomes 78."""
    choice = _choice(_box(68.9, foreseen=72.0))
    assert (choice.at, choice.best) == (0, 2)
    assert choice.targets() == {"voice": 1, "android": 1}


def test_it_sheds_before_it_is_there() -> None:
    """At 78 % now and 90 for sure, voice goes, and the sentence says what it costs."""
    decision = _answer(_box(52.0, foreseen=64.0))
    assert [(step.name, step.action) for step in decision.steps] == [("voice", Action.DISABLE)]
    assert (decision.verdict, decision.reason) == (Verdict.SHED, Reason.FORECAST_ABOVE_THRESHOLD)
    assert decision.message.startswith(
        "RAM 78.0 %, and 4.0 min of the next 4 min are expected over 80 %, which costs more than to go without: "
        "disabled voice"
    )


def test_what_is_over_soon_is_borne() -> None:
    """Over 80 % for the present look alone: to switch twice would cost more."""
    path = make_path(*[40.0] * 10, half=0.5)
    decision = _answer(_box(58.0, path=path))
    assert (decision.verdict, decision.steps) == (Verdict.HOLD, ())


def test_it_returns_where_that_is_cheaper() -> None:
    """Voice fits at 52 %, under 78, though never below 65: by price it comes back, without a wait below anything."""
    decision = _answer(_box(52.0, "voice"))
    assert [(step.name, step.action) for step in decision.steps] == [("voice", Action.ENABLE)]
    assert decision.verdict is Verdict.RESTORE
    assert decision.message == (
        "RAM 66.0 %, and 0.0 min of the next 4 min are expected over 80 % with voice, which costs less than to go "
        "without: enabled voice again"
    )


def test_however_cheap_it_must_fit_beside_what_is_measured() -> None:
    """At a base of 82 % voice makes no difference to the price of being over 80, yet 95 % is no place to return to."""
    decision = _answer(_box(79.0, "voice", "android", "discord", foreseen=82.0))
    assert (decision.steps, decision.reason) == ((), Reason.DOES_NOT_FIT)
    assert "not under 80 %" in decision.message or "costs more than to go without" in decision.message


def test_it_waits_where_a_return_is_dearer() -> None:
    """At a base of 67 % voice would make 93: it says how long that would last."""
    decision = _answer(_box(64.0, "voice"))
    assert (decision.steps, decision.reason) == ((), Reason.DOES_NOT_FIT)
    assert decision.message == (
        "RAM 78.0 %: voice waits; with it 4.0 min of the next 4 min are expected over 80 %, "
        "which costs more than to go without"
    )


def test_below_enable_keeps_its_word() -> None:
    """With prices only what goes is priced: what returns waits for 65 %, as its owner asked."""
    assert _answer(_box(52.0, "voice", policy=COST)).steps == ()
    low = _answer(_box(45.0, "voice", policy=COST, calm_since=NOW - 600.0))
    assert [step.name for step in low.steps] == ["voice"]


def test_a_return_that_had_to_be_undone_is_not_tried_at_once() -> None:
    """A first return needs no wait; after one that had to be undone two settle times of 30 s are waited."""
    snapshot = _box(40.0, "voice", last_shed_at=NOW - 59.0)
    assert _answer(snapshot).steps
    undone = make_member("voice", 12.0, priority=10, hold=make_hold(undone=1))
    again = replace(snapshot, members=(undone, *snapshot.members[1:]))
    waiting = _answer(again)
    assert (waiting.steps, waiting.reason) == ((), Reason.STABILIZING)
    assert waiting.message == "RAM 54.0 %: voice waits 1 s more"
    assert _answer(replace(again, last_shed_at=NOW - 60.0)).steps


def test_one_return_at_a_time() -> None:
    """The next waits until the memory of the last can be measured: else it would be weighed as if that took nothing."""
    snapshot = _box(40.0, "voice", "android", last_return_at=NOW - 29.0)
    waiting = _answer(snapshot)
    assert (waiting.steps, waiting.message) == ((), "RAM 46.0 %: android waits 1 s more")
    assert [step.name for step in _answer(replace(snapshot, last_return_at=NOW - 30.0)).steps] == ["android"]


@pytest.mark.parametrize("percent", [95.0, 99.0])
def test_no_price_holds_up_an_emergency(percent: float) -> None:
    """At 95 % everything but the essential goes at once, however cheap it would be to stay."""
    free = make_policy(decide={"strategy": "ExpectedCost", "costs": {"pressure": 0.0, "emergency": 0.0}}).spec
    decision = decide(_box(percent - 26.0, policy=free), now=NOW)
    assert decision.verdict is Verdict.EMERGENCY
    assert [step.name for step in decision.steps] == ["voice", "android", "discord"]


@FEWER
@given(snapshot=any_snapshots())
def test_nobody_untouchable_is_ever_a_move(snapshot: Snapshot) -> None:
    """In any world: neither the essential and what it needs, nor the pinned, nor what its owner switched off."""
    choice = choose(snapshot)
    for member, rung in choice.moves if choice else ():
        assert member.key not in snapshot.untouchable | snapshot.left_alone
        assert member.wanted
        assert 0 < rung <= member.ladder.off


@FEWER
@given(snapshot=any_snapshots())
def test_a_place_is_the_moves_taken(snapshot: Snapshot) -> None:
    """In any world: what is before the place is taken, what is after it is not, and memory falls along the line."""
    choice = choose(snapshot)
    if choice is None:
        return
    taken = [member.rung >= rung for member, rung in choice.moves]
    assert taken == [True] * choice.at + [False] * (len(taken) - choice.at)
    assert 0 <= choice.best <= len(choice.moves)
    assert len(choice.ours_percent) == len(choice.moves) + 1
    assert list(choice.ours_percent) == sorted(choice.ours_percent, reverse=True)
    assert choice.ours_percent[choice.at] == pytest.approx(snapshot.outlook.ours_percent)


@FEWER
@given(snapshot=weighed_snapshots())
def test_what_goes_by_price_is_a_beginning_of_the_order(snapshot: Snapshot) -> None:
    """Lowered ones in degradation order; off ones too; and the thresholds' own rules stay silent."""
    decision = _answer(snapshot)
    movable = list(snapshot.sheddable(emergency=False))
    off = {step.key for step in decision.steps if step.action is Action.DISABLE}
    assert [member.key in off for member in movable] == sorted((member.key in off for member in movable), reverse=True)
    if off:
        assert all(_goes_down(member, decision) or not member.ladder.lowest for member in movable)


def _goes_down(member: Member, decision: Decision) -> bool:
    return member.key in {step.key for step in decision.steps if step.action.sheds}


def test_what_leaks_is_priced() -> None:
    """With 4 points more by the horizon every place holds 4 more, and what would just have stayed goes."""
    snapshot = _box(60.0)
    leaking = replace(snapshot, outlook=replace(snapshot.outlook, growth_percent=4.0))
    calm, growing = _choice(snapshot), _choice(leaking)
    assert [after - before for before, after in zip(calm.ours_percent, growing.ours_percent, strict=True)] == [4.0] * 4
    near = _box(53.0)  # 79 %: nothing to do, unless 4 more are on their way
    assert _choice(near).best == 0
    assert _choice(replace(near, outlook=replace(near.outlook, growth_percent=4.0))).best == 1
