"""A snapshot: all that one decision rests on, immutable, gathered by the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from brownout.api.policy import PolicySpec
from brownout.core.allowance import UNLIMITED
from brownout.core.instant import Instant
from brownout.core.member import Member, Presence
from brownout.core.order import degradation_order, protected, with_needs
from brownout.core.outlook import Outlook
from brownout.core.settle import Pending
from brownout.core.triggers import Trigger

# What holds memory now, or may do so at any moment by a restart of its own.
PRESENT = (Presence.RUNNING, Presence.STARTING, Presence.FAILED)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The world at one tick. `calm_since` is since when memory has been measured below the enable threshold
    without interruption; `pending` the shed that has not been verified yet; `triggers` what is on, most sudden first;
    `waking` what was asleep and starts since so lately that what is measured of it is not all that it will take.
    """

    policy: PolicySpec
    outlook: Outlook
    members: tuple[Member, ...] = ()
    calm_since: Instant | None = None
    last_shed_at: Instant = 0.0
    last_return_at: Instant = 0.0
    pending: Pending | None = None
    in_flight: frozenset[str] = frozenset()
    triggers: tuple[Trigger, ...] = ()
    waking: frozenset[str] = frozenset()

    @cached_property
    def order(self) -> tuple[Member, ...]:
        """Our members, the first to go first."""
        return tuple(member for member in degradation_order(self.members) if member.ours)

    @cached_property
    def unspent(self) -> Mapping[str, int]:
        """Who may take more than it holds without being decided on again, and its place in the order.

        What is asleep, what was until a moment ago, and what a plan that is under way starts.
        """
        return {member.key: place for place, member in enumerate(self.order) if self._unspent(member)}

    def _unspent(self, member: Member) -> bool:
        rises = member.key in self.in_flight and not member.running
        wakes = member.key in self.waking and member.wanted and member.rung < member.ladder.off
        return rises or member.observed.asleep or wakes

    def place(self, key: str) -> int:
        """Its place in the order, the first to go first."""
        return self._places[key]

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {member.key: place for place, member in enumerate(self.order)}

    @cached_property
    def untouchable(self) -> frozenset[str]:
        """Keys that no pressure may lower or disable."""
        return protected(self.members)

    def ceiling(self, member: Member) -> int:
        """The best rung that a member's budget lets it have. The essential is told of its budget, and serves on."""
        ceiling = member.ceiling
        return 0 if ceiling and member.key in self.untouchable else ceiling

    @cached_property
    def spent(self) -> tuple[Member, ...]:
        """Our members that their budgets lower, the first to go first: mostly nobody, so that few are asked twice."""
        return tuple(member for member in self.order if member.allowance is not UNLIMITED and self.ceiling(member))

    @cached_property
    def by_key(self) -> Mapping[str, Member]:
        """All members, those of other nodes too."""
        return {member.key: member for member in self.members}

    @cached_property
    def left_alone(self) -> frozenset[str]:
        """Keys that the planner passes over: the pinned, those whose last step failed, and what they depend on."""
        staying = (
            member.key
            for member in self.members
            if (member.integration.spec.pinned or (member.resting and member.observed.presence in PRESENT))
            and member.wanted
            and member.rung < member.ladder.off
        )
        return with_needs(staying, self.by_key)

    def _may_go(self, member: Member) -> bool:
        """Whether the planner may take it: it holds memory, its last step did not just fail, nobody pinned it."""
        return member.observed.presence in PRESENT and not member.resting and member.key not in self.left_alone

    def _is_ours_to_hold(self, member: Member) -> bool:
        """Whether an emergency may take it. What stands still by somebody else's hand we could not bring back."""
        return member.observed.presence in PRESENT or member.observed.resumable

    def sheddable(self, *, emergency: bool) -> tuple[Member, ...]:
        """Who could go, the first to go first. An emergency also takes the pinned, and those whose last step failed."""
        return tuple(
            member
            for member in self.order
            if member.wanted
            and member.rung < member.ladder.off
            and member.key not in self.untouchable
            and (self._is_ours_to_hold(member) if emergency else self._may_go(member))
        )
