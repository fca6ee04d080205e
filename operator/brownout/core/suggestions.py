"""Suggestions: what its owner could do so that an integration is better off, each with its numbers. Pure.

They rest on what statuses, policy and history say; nobody is asked. What is not known is not suggested.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.quantities import approximate_bytes
from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus
from brownout.core.ladder import Ladder, ladder_of
from brownout.core.tiers import thresholds_in_force
from brownout.core.wording import threshold

# Below so large a share of file-backed memory there is little to be won by less of it; below so little memory too.
WORTH_NAMING_SHARE = 0.3
WORTH_NAMING_BYTES = 64 * 2**20
# What grows by less in an hour needs a day to matter.
LEAK_BYTES_PER_H = 10 * 2**20
_DOWN = (State.LOWERED, State.DISABLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a box. `file_shares`: by name, which share of its memory is file-backed (0 to 1), of those that
    were measured so; `growth_bytes_per_h`: how fast each grows.
    """

    integrations: tuple[Integration, ...]
    policy: BrownoutPolicy
    file_shares: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    growth_bytes_per_h: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What stands between a held integration and its next level up: what is in use, the limit, what it takes there."""

    used_bytes: float
    limit_bytes: int
    takes_bytes: int
    enable: float
    disable: float

    @property
    def bytes(self) -> float:
        """How much less must be in use, so that it is calm and fits; 0 where only time is missing."""
        calm = self.used_bytes - self.limit_bytes * self.enable / 100.0
        fits = self.used_bytes + self.takes_bytes - self.limit_bytes * self.disable / 100.0
        return max(0.0, calm, fits)

    @property
    def budget_bytes(self) -> float:
        """The limit with which it would return at what is in use now."""
        return max(100.0 * self.used_bytes / self.enable, 100.0 * (self.used_bytes + self.takes_bytes) / self.disable)

    @property
    def room_bytes(self) -> float:
        """What fits now under the disable threshold."""
        return max(0.0, self.limit_bytes * self.disable / 100.0 - self.used_bytes)


def suggestions(name: str, facts: Facts) -> tuple[str, ...]:
    """What would help one integration, the most useful first; empty where nothing is known that would."""
    mine = next((each for each in facts.integrations if each.name == name), None)
    if mine is None:
        return ()
    held = mine.spec.enabled and _status(mine).state in _DOWN and _status(mine).returns_when is not None
    missing = _missing(mine, facts) if held else None
    found = [*_levels(mine), *_leaks(facts)]
    if missing is not None and missing.bytes > 0.0:
        found = [*_holders(mine, facts), *_budget(mine, missing, facts), *_smaller(mine, missing), *found]
        found += _order(mine, missing, facts)
    return tuple(found)


def _missing(mine: Integration, facts: Facts) -> Missing | None:
    status = facts.policy.status
    limit = status.hardware.memory if status and status.hardware else None
    takes = _takes_bytes(mine)
    if status is None or status.memory_percent is None or not limit or takes is None:
        return None
    edges = thresholds_in_force(facts.policy)
    return Missing(
        used_bytes=limit * status.memory_percent / 100.0,
        limit_bytes=limit,
        takes_bytes=takes,
        enable=edges.enable,
        disable=edges.disable,
    )


def _takes_bytes(mine: Integration) -> int | None:
    """What its next level up takes beyond what it holds now; None where nobody knows."""
    status, ladder = _status(mine), ladder_of(mine)
    rung = _rung(status, ladder)
    up = ladder.lowest if rung >= ladder.off else max(0, rung - 1)
    known = {level.name: level.memory for level in status.levels or ()}
    measured = known.get(ladder.level_name(up))
    if measured is None and not ladder.levels and status.footprint is not None:
        measured = status.footprint.peak
    size = measured if measured is not None else ladder.first_guess_bytes(up, mine)
    held = status.memory or 0
    return None if size is None else max(0, size - (held if rung < ladder.off else 0))


def _rung(status: IntegrationStatus, ladder: Ladder) -> int:
    return ladder.off if status.state is State.DISABLED else ladder.rung_of(status.level or "")


def _holders(mine: Integration, facts: Facts) -> Iterator[str]:
    """The largest of the others, and how much of it is file-backed where that was measured."""
    others = [each for each in facts.integrations if each.name != mine.name and _status(each).memory]
    largest = max(others, key=lambda each: _status(each).memory or 0, default=None)
    size = _status(largest).memory or 0 if largest is not None else 0
    if largest is None or size < WORTH_NAMING_BYTES:
        return
    share = facts.file_shares.get(largest.name, 0.0)
    holds = f"{largest.name} holds {approximate_bytes(size)}"
    if share >= WORTH_NAMING_SHARE:
        yield f"{holds}, {100.0 * share:.0f} % of it files that it has mapped: lower its cache, or raise the budget"
    elif not largest.spec.levels and not largest.spec.essential:
        yield f"{holds} and has no levels: with a smaller one it could give way by a part"
    else:
        yield f"{holds}, the most of all: whatever makes it smaller helps {mine.name} first"


def _budget(mine: Integration, missing: Missing, facts: Facts) -> Iterator[str]:
    """How much less in use, or how much more to use, would bring it back."""
    less = f"{approximate_bytes(round(missing.bytes))} less in use brings {mine.name} back"
    wanted = approximate_bytes(round(missing.budget_bytes))
    more = f"{wanted}, {approximate_bytes(round(missing.budget_bytes - missing.limit_bytes))} more than now"
    if facts.policy.spec.memory_budget is not None:
        yield f"{less}, and so does a memoryBudget of {more}"
    else:
        yield f"{less}, and so does a machine (or a cgroup limit) of {more}"


def _smaller(mine: Integration, missing: Missing) -> Iterator[str]:
    """A level that would fit now; where something fits at all."""
    room, off = missing.room_bytes, _status(mine).state is State.DISABLED
    if not off or room < WORTH_NAMING_BYTES:
        return
    known = "smaller than its smallest" if mine.spec.levels else "of its own"
    fits = f"a level {known} that takes less than {approximate_bytes(round(room))}"
    yield f"{fits} fits under {threshold(missing.disable)} now: write one into spec.levels"


def _order(mine: Integration, missing: Missing, facts: Facts) -> Iterator[str]:
    """Who could go in its place: the least important of those above it that is large enough."""
    above = [
        each
        for each in facts.integrations
        if each.spec.priority > mine.spec.priority and not each.spec.essential and not each.spec.pinned
    ]
    able = [each for each in above if (_status(each).memory or 0) >= missing.bytes and each.spec.enabled]
    first = min(able, key=lambda each: (each.spec.priority, each.name), default=None)
    if first is not None:
        size = approximate_bytes(_status(first).memory or 0)
        yield f"with a priority above {first.spec.priority} {first.name}, which holds {size}, would go before it"


def _levels(mine: Integration) -> Iterator[str]:
    """Levels that cannot be used."""
    for level in _status(mine).levels or ():
        if level.message:
            yield f"its level {level.name} is passed over ({level.message}): mend it, and it is tried again by itself"


def _leaks(facts: Facts) -> Iterator[str]:
    """Who grows without end, as far as can be seen."""
    growing = [(speed, name) for name, speed in facts.growth_bytes_per_h.items() if speed >= LEAK_BYTES_PER_H]
    for speed, name in sorted(growing, reverse=True):
        size = approximate_bytes(round(speed))
        yield f"{name} grows by {size} an hour: it may leak, and a restart would give it back"


def _status(integration: Integration) -> IntegrationStatus:
    return integration.status or IntegrationStatus()
