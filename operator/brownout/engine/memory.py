"""What a controller remembers across its own restarts: read back from statuses, history and what is seen.

The status of each integration is the memory of what we did to it; this module turns it into holds again, and lets go
of those that reality has overtaken.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.reasons import Reason
from brownout.api.workload import WorkloadKind
from brownout.core.bookkeeping import said
from brownout.core.holding import hold_from
from brownout.core.instant import Instant, from_rfc3339
from brownout.core.ladder import ladder_of
from brownout.core.ledger import Ledger, Said, released
from brownout.core.member import Hold, Member, Observation, Presence
from brownout.engine.ports import Inventory

# A workload that we have just switched off may be seen running once more (a scale that is still being carried out);
# later than this somebody else brought it back.
OVERTAKEN_AFTER_S = 60.0


class Acquaintance:
    """Which integrations this controller has met, by uid: a successor of the same name is a stranger."""

    def __init__(self) -> None:
        self._uids: dict[str, tuple[str, WorkloadKind]] = {}

    def gone(self, inventory: Inventory) -> frozenset[str]:
        """Keys that are no longer declared, or are declared anew under another uid."""
        return frozenset(
            key
            for key, uid in self._uids.items()
            if key not in inventory.integrations or _identity(inventory.integrations[key]) != uid
        )

    def forget(self, keys: frozenset[str]) -> None:
        """They are strangers from now on."""
        for key in keys:
            self._uids.pop(key, None)

    def meet(self, ledger: Ledger, inventory: Inventory, observed: Mapping[str, Observation]) -> Ledger:
        """The ledger with the holds that the statuses of newcomers remember; unseen workloads are met later."""
        for key, integration in inventory.integrations.items():
            seen = observed.get(key)
            if key in self._uids or seen is None or seen.presence is Presence.UNKNOWN:
                continue
            self._uids[key] = _identity(integration)
            ledger = _remembered(ledger, Member(key=key, integration=integration, ladder=ladder_of(integration)), seen)
        return ledger


def _identity(integration: Integration) -> tuple[str, WorkloadKind]:
    """What makes it the same one: its uid, and the kind of its workload (another kind has another driver)."""
    return integration.metadata.uid, integration.spec.workload.kind


def _remembered(ledger: Ledger, member: Member, seen: Observation) -> Ledger:
    status = member.integration.status
    if status is not None and status.last_decision is not None and status.last_decision.reason is not None:
        last = status.last_decision
        words = Said(at=from_rfc3339(last.at) or 0.0, reason=last.reason or Reason.WITHIN_LIMITS, message=last.message)
        ledger = said(ledger, member.key, words)
    hold = hold_from(status, member)
    if hold is None or _overtaken(hold, member, seen):
        return ledger
    return replace(ledger, holds=MappingProxyType({**ledger.holds, member.key: hold}))


def _overtaken(hold: Hold, member: Member, seen: Observation) -> bool:
    """Held off but running: the crash came before the switch, or somebody else brought it back."""
    return hold.rung >= member.ladder.off and seen.presence in (Presence.RUNNING, Presence.STARTING)


def let_go(
    ledger: Ledger, members: tuple[Member, ...], *, in_flight: frozenset[str], now: Instant
) -> tuple[Ledger, tuple[str, ...]]:
    """Release holds that somebody else has undone; we do not fight over a workload. Names of those released."""
    undone = [
        member
        for member in members
        if member.hold is not None
        and member.key not in in_flight
        and _overtaken(member.hold, member, member.observed)
        and now - member.hold.since > OVERTAKEN_AFTER_S
    ]
    for member in undone:
        ledger = released(ledger, member.key)
    return ledger, tuple(member.name for member in undone)
