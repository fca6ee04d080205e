"""Standings: what the status of each integration says, made anew at each tick from what was seen, decided and done.

To say something new takes 0.15 ms, to see that nothing has changed a seventh of that. A thousand that all change at
once would keep the sentinel waiting for as long as two of its looks, so of many it is said in slices first.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from brownout.api.status import IntegrationStatus
from brownout.core.bookkeeping import undone_in_a_row
from brownout.core.holding import with_hold
from brownout.core.member import Member, Observation
from brownout.core.plan import Decision, Step
from brownout.core.snapshot import Snapshot
from brownout.core.standing import Standing, rejected_status, status_of
from brownout.engine.health_watch import HealthWatch
from brownout.engine.ports import Inventory
from brownout.engine.switchboard import Switchboard
from brownout.engine.world import World

__all__ = ["SAID_AT_ONCE", "Standings"]

# 15 ms where all of them have changed.
SAID_AT_ONCE = 100


class Standings:
    """The statuses by key, `known` since the last tick."""

    def __init__(
        self, world: World, board: Switchboard, health: HealthWatch, inventory: Callable[[], Inventory]
    ) -> None:
        self._world = world
        self._board = board
        self._health = health
        self._inventory = inventory
        self.known: dict[str, IntegrationStatus] = {}

    async def prepare(self, snapshot: Snapshot, decision: Decision, *, dry_run: bool) -> None:
        """Of many, say what has changed in slices, and let the loop turn in between.

        What is renewed after it finds most said already. It is said in one piece all the same: a step that begins or
        ends among the slices must not be lost from a status that was made before.
        """
        ours = self._ours(snapshot)
        slices = range(0, len(ours), SAID_AT_ONCE) if len(ours) > SAID_AT_ONCE else ()
        for first in slices:
            self.known |= self._said(ours[first : first + SAID_AT_ONCE], snapshot, decision, dry_run=dry_run)
            await asyncio.sleep(0)

    def renew(self, snapshot: Snapshot, decision: Decision, *, dry_run: bool) -> None:
        """What each says now, those that were refused too; of all others nothing is known any more."""
        statuses = self._said(self._ours(snapshot), snapshot, decision, dry_run=dry_run)
        inventory, now = self._inventory(), self._world.clock.now()
        for key in inventory.rejected - inventory.integrations.keys():
            if key in inventory.problems:  # by key in a cluster; a broken file of a box has no object to write to
                previous = self.known.get(key, IntegrationStatus())
                statuses[key] = rejected_status(inventory.problems[key], previous, now=now)
        self.known = statuses

    def ahead(self, status: IntegrationStatus, step: Step, seen: Observation | None) -> IntegrationStatus:
        """The status with what a step down is about to do, or does."""
        ledger, stabilization = self._board.ledger, self._inventory().policy.spec.stabilization
        undone = undone_in_a_row(ledger, step, now=self._world.clock.now(), stabilization_s=stabilization.enable)
        return with_hold(status, step, seen, undone=undone)

    def forget(self, keys: Iterable[str]) -> None:
        """These are declared no more."""
        for key in keys:
            self.known.pop(key, None)

    def _ours(self, snapshot: Snapshot) -> list[Member]:
        return [member for member in snapshot.members if member.ours and self._world.home.may_act(member.key)]

    def _said(
        self, members: Iterable[Member], snapshot: Snapshot, decision: Decision, *, dry_run: bool
    ) -> dict[str, IntegrationStatus]:
        busy = self._board.in_flight
        return {
            member.key: self._status(member, snapshot, decision, in_flight=member.key in busy, dry_run=dry_run)
            for member in members
        }

    def _status(
        self, member: Member, snapshot: Snapshot, decision: Decision, *, in_flight: bool, dry_run: bool
    ) -> IntegrationStatus:
        """What it says of one integration. Of a step down that is under way it must keep saying who does it."""
        known = self.known.get(member.key) or member.integration.status
        standing = Standing(
            member=self._since(member),
            snapshot=snapshot,
            decision=decision,
            said=self._board.ledger.said.get(member.key),
            previous=known or IntegrationStatus(),
            in_flight=in_flight,
            problems=self._inventory().problems_of(member.key),
            dry_run=dry_run,
            node=self._world.node,
            checked=self._health.seen_of(member.key),
            back=self._board.ledger.returned.get(member.key),
        )
        status, step = status_of(standing, now=self._world.clock.now()), self._board.under_way.get(member.key)
        going = step is not None and step.action.sheds and step.to_rung != member.rung
        return self.ahead(status, step, member.observed) if step is not None and going else status

    def _since(self, member: Member) -> Member:
        """The member with the hold that it has now: a step may have ended since the snapshot was taken."""
        hold = self._board.ledger.holds.get(member.key)
        return member if hold is member.hold else replace(member, hold=hold)
