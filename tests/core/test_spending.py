"""Budgets of integrations: what is spent goes down whatever memory allows, and comes back like anything else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.budget import Per
from brownout.api.policy import Stabilization
from brownout.api.reasons import BudgetState, Reason
from brownout.core.aftermath import moved
from brownout.core.allowance import window_end, window_start
from brownout.core.decide import decide
from brownout.core.explain import kept_by_budget
from brownout.core.instant import from_rfc3339
from brownout.core.ledger import Ledger
from brownout.core.member import Presence
from brownout.core.plan import Action, Verdict
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, make_allowance, make_hold, make_member, make_path, make_snapshot

CLOSE = make_allowance(BudgetState.APPROACHING, 80.0)
OVER = make_allowance()
CALM = NOW - 86_400.0


def _plan(snapshot: Snapshot) -> list[tuple[str, Action, int, Reason]]:
    return [(step.name, step.action, step.to_rung, step.reason) for step in decide(snapshot, now=NOW).steps]


@FEWER
@given(snapshot=any_snapshots())
def test_nothing_ever_comes_up_higher_than_its_budget_lets_it(snapshot: Snapshot) -> None:
    """In any world, by any rule and strategy: no step leads above the ceiling, and over a limit nothing starts."""
    for step in decide(snapshot, now=NOW).steps:
        member = snapshot.by_key[step.key]
        assert step.action.sheds or step.to_rung >= snapshot.ceiling(member)


@FEWER
@given(snapshot=any_snapshots())
def test_a_budget_is_obeyed_at_once_unless_something_is_more_urgent(snapshot: Snapshot) -> None:
    """Whoever runs over its budget is in the plan of this tick, but for an emergency, the owner's word, and those under
    way, resting or protected: no load and no want of a measurement is a reason to wait.
    """
    decision = decide(snapshot, now=NOW)
    if decision.rule in ("emergency", "owners_wish"):
        return
    free = (one for one in snapshot.order if one.wanted and not one.resting and not snapshot.in_flight)
    over = {one.key for one in free if one.observed.presence is Presence.RUNNING and one.rung < snapshot.ceiling(one)}
    assert over <= {step.key for step in decision.steps}


@FEWER
@given(snapshot=any_snapshots())
def test_the_essential_is_never_touched_by_a_budget(snapshot: Snapshot) -> None:
    """Essential, or needed by one that is: told of its budget, never lowered nor disabled by it."""
    steps = decide(snapshot, now=NOW).steps
    spent = {step.key for step in steps if step.reason in (Reason.BUDGET_APPROACHING, Reason.BUDGET_EXCEEDED)}
    assert not spent & snapshot.untouchable


@pytest.mark.parametrize("percent", [None, 10.0, 70.0, 85.0])
def test_over_its_budget_it_goes_off_at_any_load(percent: float | None) -> None:
    """What was used is counted and not measured: a sensor that fails costs nobody more than was allowed."""
    decision = decide(make_snapshot(percent, make_member("voice", allowance=OVER)), now=NOW)
    (step,) = decision.steps
    assert (decision.verdict, step.action, step.reason) == (Verdict.OWNER, Action.DISABLE, Reason.BUDGET_EXCEEDED)
    assert step.message.startswith("used 100 000 of 100 000 tokens today: disabled voice")
    assert step.grace_s == 30.0


def test_close_to_a_limit_it_runs_one_level_lower() -> None:
    """One level, once: at the next tick it stands where it should."""
    lowered = make_member("voice", (12.0, 8.0, 2.0), allowance=CLOSE)
    assert _plan(make_snapshot(50.0, lowered)) == [("voice", Action.LOWER, 1, Reason.BUDGET_APPROACHING)]
    there = replace(lowered, hold=make_hold(1, reason=Reason.BUDGET_APPROACHING))
    assert _plan(make_snapshot(50.0, there, calm_since=CALM)) == []


@pytest.mark.parametrize("sizes", [12.0, (12.0,)])
def test_one_without_a_lower_level_is_only_told(sizes: object) -> None:
    """Close to a limit is not over it: with nothing to be lowered to, it runs on."""
    assert _plan(make_snapshot(50.0, make_member("voice", sizes, allowance=CLOSE))) == []  # type: ignore[arg-type]


def test_a_level_that_fails_is_passed_over() -> None:
    """Lowered to the next one that works; where none does it is only told."""
    member = make_member("voice", (12.0, 8.0, 2.0), allowance=CLOSE)
    assert _plan(make_snapshot(50.0, replace(member, unfit=frozenset({1})))) == [
        ("voice", Action.LOWER, 2, Reason.BUDGET_APPROACHING)
    ]
    assert _plan(make_snapshot(50.0, replace(member, unfit=frozenset({1, 2})))) == []


def test_the_owners_pin_does_not_lift_the_owners_budget() -> None:
    """Pinned is about memory."""
    assert _plan(make_snapshot(50.0, make_member("voice", pinned=True, allowance=OVER))) == [
        ("voice", Action.DISABLE, 1, Reason.BUDGET_EXCEEDED)
    ]


def test_what_depends_on_it_goes_first() -> None:
    """Dependents leave at the first tick; while they are on their way out what they need waits, then it goes."""
    queue, shop = make_member("queue", allowance=OVER), make_member("shop", (2.0, 1.0), depends_on=["queue"])
    lowered = replace(shop, hold=make_hold(1))
    for dependent in (shop, lowered):
        first = make_snapshot(50.0, queue, dependent)
        assert _plan(first) == [("shop", Action.DISABLE, 2, Reason.DEPENDENCY_DISABLED)]
        assert _plan(replace(first, in_flight=frozenset({"shop"}))) == []
    gone = replace(
        shop,
        hold=make_hold(2, reason=Reason.DEPENDENCY_DISABLED),
        observed=replace(shop.observed, presence=Presence.STOPPED),
    )
    assert _plan(make_snapshot(50.0, queue, gone)) == [("queue", Action.DISABLE, 1, Reason.BUDGET_EXCEEDED)]


@pytest.mark.parametrize("reason", [Reason.BUDGET_EXCEEDED, Reason.ABOVE_THRESHOLD, Reason.DISABLED_BY_OWNER])
@pytest.mark.parametrize("strategy", ["BelowEnable", "WhenItFits"])
def test_it_stays_down_whatever_memory_allows(reason: Reason, strategy: str) -> None:
    """Calm for a day, and whoever took it down: over its budget it does not return; within it again it does."""
    policy = make_policy(restore={"strategy": strategy}).spec
    held = make_member("voice", hold=make_hold(reason=reason), allowance=OVER)
    snapshot = make_snapshot(5.0, held, calm_since=CALM, policy=policy)
    assert _plan(snapshot) == []
    assert kept_by_budget(snapshot, held)
    free = replace(snapshot, members=(replace(held, allowance=make_allowance(BudgetState.OK, 0.0)),))
    ((name, action, rung, why),) = _plan(replace(free))
    assert (name, rung) == ("voice", 0)
    assert (action, why) in ((Action.ENABLE, Reason.RESTORED), (Action.START, Reason.WITHIN_LIMITS))


def test_a_limit_that_was_raised_a_little_brings_it_back_lowered() -> None:
    """Close to the new limit: it returns to its lowest level and no higher than one below the best."""
    off = make_member("voice", (9.0, 6.0, 3.0), hold=make_hold(3, reason=Reason.BUDGET_EXCEEDED), allowance=CLOSE)
    assert _plan(make_snapshot(5.0, off, calm_since=CALM)) == [("voice", Action.ENABLE, 2, Reason.RESTORED)]
    second = make_member("voice", (9.0, 6.0, 3.0), hold=make_hold(1, reason=Reason.BUDGET_EXCEEDED), allowance=CLOSE)
    assert _plan(make_snapshot(5.0, second, calm_since=CALM)) == []


def test_what_a_budget_only_lowered_is_started_again_at_its_level() -> None:
    """A controller that ended took its programs along: lowered by a budget, it serves on as soon as it fits."""
    lowered = make_member(
        "voice", (12.0, 8.0), hold=make_hold(1, reason=Reason.BUDGET_APPROACHING), allowance=CLOSE,
        presence=Presence.STOPPED,
    )  # fmt: skip
    assert _plan(make_snapshot(70.0, lowered)) == [("voice", Action.START, 1, Reason.WITHIN_LIMITS)]


def test_prices_move_only_what_a_budget_leaves_to_choose() -> None:
    """Where prices decide, the level above the ceiling is no choice: it is not taken back however cheap it is."""
    policy = make_policy(restore={"strategy": "WhenItFits"}, decide={"strategy": "ExpectedCost"}).spec
    hold = make_hold(1, reason=Reason.BUDGET_APPROACHING)
    lowered = make_member("voice", (12.0, 8.0), hold=hold, allowance=CLOSE, measured=True)
    cheap = make_snapshot(20.0, lowered, policy=policy, path=make_path(20.0), ours=8.0)
    assert _plan(cheap) == []
    assert _plan(replace(cheap, members=(replace(lowered, allowance=make_allowance(BudgetState.OK, 10.0)),))) != []


def test_a_budget_is_no_return_that_had_to_be_undone() -> None:
    """Back for a second and over its budget: the wait of its next return stays as it was, nobody else waits for it,
    and nothing is expected to settle.
    """
    member = make_member("voice", measured=True, allowance=OVER)
    (step,) = decide(make_snapshot(50.0, member), now=NOW).steps
    ledger = Ledger(returned={"voice": (NOW - 1.0, 2)})
    after = moved(ledger, step, now=NOW, stabilization=Stabilization())
    assert after.holds["voice"].undone == 0
    assert (after.last_shed_at, after.pending) == (0.0, None)


WEDNESDAY = "2026-01-07T15:04:05Z"


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        (Per.HOUR, "2026-01-07T15:00:00Z", "2026-01-07T16:00:00Z"),
        (Per.DAY, "2026-01-07T00:00:00Z", "2026-01-08T00:00:00Z"),
        (Per.WEEK, "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),
    ],
)
def test_windows_begin_where_people_expect_it(per: Per, start: str, end: str) -> None:
    """The full hour, midnight and Monday, all UTC."""
    now = from_rfc3339(WEDNESDAY)
    assert now is not None
    assert (window_start(per, now), window_end(per, now)) == (from_rfc3339(start), from_rfc3339(end))


@given(per=st.sampled_from(Per), now=st.floats(0.0, 4e9))
def test_every_moment_lies_in_just_one_window(per: Per, now: float) -> None:
    """The start belongs to the window, the end to the next one, and what begins there begins anew."""
    start, end = window_start(per, now), window_end(per, now)
    assert end is not None
    assert start <= now < end
    assert window_start(per, end) == end
    assert (window_start(None, now), window_end(None, now)) == (0.0, None)
