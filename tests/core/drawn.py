"""Hypothesis strategies for the core: members and snapshots, tidy ones and any that could ever be met."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from brownout.api.reasons import BudgetState, Reason
from brownout.core.allowance import UNLIMITED
from brownout.core.member import Hold, Member, Presence
from brownout.core.settle import Pending
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.worlds import NOW, make_allowance, make_forecast, make_hold, make_member, make_path, make_snapshot

#: Worlds take long to draw (30 ms), so their laws are tried on fewer of them than other laws are.
FEWER = settings(max_examples=30)
#: The laws that the user was promised are tried on more: breaking one on purpose must be noticed each time.
PROMISED = settings(max_examples=120)

NAMES = ("a", "b", "c", "d", "e", "f")
POLICIES = tuple(
    make_policy(restore={"strategy": strategy}, forecast={"model": model}).spec
    for strategy in ("BelowEnable", "WhenItFits")
    for model in ("Auto", "Linear")
)
BY_COST = tuple(
    make_policy(restore={"strategy": strategy}, decide={"strategy": "ExpectedCost"}).spec
    for strategy in ("BelowEnable", "WhenItFits")
)
UNKNOWN_PERCENT = (None, math.nan, math.inf, -math.inf, -1.0, 1e308)
PRESSURE = (Reason.ABOVE_THRESHOLD, Reason.FORECAST_ABOVE_THRESHOLD, Reason.EMERGENCY, Reason.DOES_NOT_FIT)
BY_BUDGET = (Reason.BUDGET_APPROACHING, Reason.BUDGET_EXCEEDED)
BY_OWNER = (Reason.DISABLED_BY_OWNER, Reason.DEPENDENCY_DISABLED)


# Built once: a strategy that is made anew for each draw is checked anew each time, which takes longer than drawing.
# Some of the same size, so that an order has something to decide between equals.
_SIZE = st.sampled_from((0.0, 5.0, 12.0)) | st.floats(0.0, 20.0)
_KNOWN = st.lists(_SIZE, min_size=1, max_size=3).map(lambda found: sorted(found, reverse=True))
_ANY_SIZES: st.SearchStrategy[Any] = _KNOWN | st.lists(_SIZE | st.none(), min_size=1, max_size=3)
_NEEDS = st.sets(st.sampled_from(NAMES), max_size=2)
_ODD_NEEDS = st.sets(st.sampled_from((*NAMES, "nobody")), max_size=2)
_COUNT = st.integers(1, len(NAMES))
_ORDER = st.permutations(range(len(NAMES)))
_FACETS = st.tuples(
    st.sampled_from(["usual"] * 4 + ["essential", "pinned"]), st.integers(0, 3), st.booleans(), st.booleans()
)
# What is odd in a world, which is the same few things for all of its members. Were each member odd by itself, its owner
# would want somebody off in half of all worlds, that rule would answer first, and no law of pressure would be tried.
_ODD = st.sets(
    st.sampled_from(("presence", "unwanted", "outdated", "hardened", "resting", "rejected", "foreign", "spent")),
    max_size=2,
)
_SELDOM = st.sampled_from([False, False, False, True])
_PRESENCE = st.sampled_from([*Presence])
_ALLOWANCE = st.sampled_from([UNLIMITED] * 4 + [make_allowance(state) for state in BudgetState])
_HOLD = st.none() | st.tuples(
    st.integers(1, 3), st.sampled_from([*PRESSURE * 2, *BY_BUDGET, *BY_OWNER]), st.sampled_from([0, 1, 3, 6])
)


@st.composite
def tidy_members(draw: st.DrawFn, *, known: bool = True, needs: bool = True) -> tuple[Member, ...]:
    """Draw integrations that all run as their owners wish, of every rank, in any order."""
    count = draw(_COUNT)
    made = [_tidy(draw, index, known=known, needs=needs) for index in range(count)]
    return tuple(made[index] for index in draw(_ORDER) if index < count)


def _tidy(draw: st.DrawFn, index: int, *, known: bool, needs: bool) -> Member:
    rank, priority, measured, _ = draw(_FACETS)
    return make_member(
        NAMES[index],
        draw(_KNOWN if known else _ANY_SIZES),
        measured=measured,
        priority=priority,
        essential=rank == "essential",
        pinned=rank == "pinned",
        depends_on=sorted(draw(_NEEDS) & set(NAMES[:index])) if needs else [],
    )


@st.composite
def any_members(draw: st.DrawFn) -> tuple[Member, ...]:
    """Draw integrations in any state: switched off, held, vanished, failing, in a ring of dependencies."""
    odd = draw(_ODD)
    return tuple(_spoiled(draw, member, odd) for member in draw(tidy_members(known=False, needs=False)))


def _spoiled(draw: st.DrawFn, member: Member, odd: set[str]) -> Member:
    needs = sorted(draw(_ODD_NEEDS) - {member.name})
    has = {each: each in odd and draw(_SELDOM) for each in ("unwanted", "outdated", "hardened", "resting")}
    spec = member.integration.spec.model_copy(update={"depends_on": tuple(needs), "enabled": not has["unwanted"]})
    presence = draw(_PRESENCE) if "presence" in odd else member.observed.presence
    return replace(
        member,
        integration=member.integration.model_copy(update={"spec": spec}),
        observed=replace(member.observed, presence=presence, outdated=has["outdated"], resumable=not has["hardened"]),
        hold=_hold(draw(_HOLD), member),
        resting=has["resting"],
        accepted=not ("rejected" in odd and draw(_SELDOM)),
        ours=not ("foreign" in odd and draw(_SELDOM)),
        allowance=draw(_ALLOWANCE) if "spent" in odd else UNLIMITED,
    )


def _hold(drawn: tuple[int, Reason, int] | None, member: Member) -> Hold | None:
    """By pressure at any rung, or by the owner's wish, which is always off."""
    if drawn is None:
        return None
    rung, reason, undone = drawn
    off = member.ladder.off
    return make_hold(off if reason in BY_OWNER else min(rung, off), reason=reason, undone=undone)


#: Where a forecast decides: a threshold lies within its band.
AROUND_80 = st.floats(72.0, 88.0)
_POLICY = st.sampled_from(POLICIES)
_PATH = st.builds(
    lambda values, half: make_path(*values, half=half), st.lists(st.floats(0.0, 100.0), min_size=1, max_size=4), _SIZE
)
_PENDING = Pending(key="a", rung=0, at=NOW - 10, deadline=NOW + 20, used_before_bytes=1, expected_bytes=1)
_FORECAST = st.none() | st.builds(
    lambda value, half, votes: make_forecast(value, half=half, votes=votes),
    AROUND_80 | st.floats(0.0, 120.0),
    st.floats(0.0, 7.5),
    st.booleans(),
)
_MEMORY: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "forecast": _FORECAST,
        "policy": st.sampled_from((*POLICIES, *BY_COST)),
        "path": st.none() | _PATH,
        "ours": st.floats(0.0, 60.0),
        "calm_since": st.sampled_from([None, NOW, NOW - 299.0, NOW - 301.0, NOW - 90_000.0]),
        "last_shed_at": st.sampled_from([0.0, 0.0, NOW - 10.0, NOW - 301.0]),
        "last_return_at": st.sampled_from([0.0, 0.0, NOW - 10.0, NOW - 301.0]),
        "pending": st.sampled_from([None] * 5 + [_PENDING]),
        "in_flight": st.sampled_from([frozenset[str]()] * 5 + [frozenset({"a"})]),
    }
)


@st.composite
def tidy_snapshots(draw: st.DrawFn, *, least: float = 0.0, most: float = 94.9, known: bool = True) -> Snapshot:
    """Draw a calm machine on which everything runs, in use to between `least` and `most` per cent."""
    members = draw(tidy_members(known=known))
    return make_snapshot(draw(st.floats(least, most)), *members, policy=draw(_POLICY))


_LOADS = {"calm": (0.0, 79.9), "over": (80.0, 94.9), "emergency": (95.0, 120.0)}
_USE: st.SearchStrategy[float | None] = st.sampled_from(
    ["calm", "calm", "over", "over", "over", "emergency", "emergency", None]
).flatmap(lambda load: st.floats(*_LOADS[load]) if load else st.none())


@st.composite
def weighed_snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a machine on which everything runs, its sizes and its path are known, and prices decide."""
    members, path = draw(tidy_members()), draw(_PATH)
    ours = sum(member.footprint(0).steady_bytes for member in members) / 2**30
    percent, policy = draw(st.floats(0.0, 94.9)), draw(st.sampled_from(BY_COST))
    return make_snapshot(percent, *members, policy=policy, path=path, ours=ours)


@st.composite
def any_snapshots(draw: st.DrawFn, percent: st.SearchStrategy[float | None] = _USE) -> Snapshot:
    """Draw any world at all, in use to `percent`."""
    return make_snapshot(draw(percent), *draw(any_members()), **draw(_MEMORY))
