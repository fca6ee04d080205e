"""What a controller remembers across its own restarts: read back from statuses, history and what is seen.

The status of each integration is the memory of what we did to it; this module turns it into holds again, and lets go
of those that reality has overtaken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.reasons import Reason
from brownout.api.status import LastDecision
from brownout.api.workload import WorkloadKind
from brownout.core.bookkeeping import said
from brownout.core.footprint import Source
from brownout.core.holding import Return, hold_from, return_from
from brownout.core.instant import Instant, from_rfc3339
from brownout.core.ladder import ladder_of
from brownout.core.ledger import Ledger, Said, level_missed
from brownout.core.measurements import Measured, relived
from brownout.core.member import Hold, Member, Observation, Presence
from brownout.core.overtaking import overtaken
from brownout.core.patience import MOST_UNDONE
from brownout.engine.ports import DecisionRecord, FootprintRecord, Inventory
from brownout.engine.recall import brought_back, recalled

Identity = tuple[str, WorkloadKind]


class Acquaintance:
    """Which integrations this controller has met, by uid: a successor of the same name is a stranger."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}
        # What the journal says of each, from before this controller.
        self.newest: Mapping[str, DecisionRecord] = {}
        self.recorded: Mapping[str, tuple[FootprintRecord, ...]] = {}

    def gone(self, inventory: Inventory) -> frozenset[str]:
        """Keys that are no longer declared, are declared anew under another uid, or belong to another node now."""
        return frozenset(
            key
            for key, identity in self._known.items()
            if key not in inventory.integrations
            or key in inventory.foreign
            or identity_of(inventory.integrations[key]) != identity
        )

    def forget(self, keys: frozenset[str]) -> None:
        """They are strangers from now on."""
        for key in keys:
            self._known.pop(key, None)

    def meet(
        self, ledger: Ledger, inventory: Inventory, observed: Mapping[str, Observation], *, now: Instant
    ) -> Ledger:
        """The ledger with the holds that the statuses of newcomers remember.

        Also of one that cannot be asked now: its status is about to be written, and the hold would be lost.
        """
        for key in observed.keys() - self._known.keys():
            integration = inventory.integrations[key]
            self._known[key] = identity_of(integration)
            member = Member(key=key, integration=integration, ladder=ladder_of(integration))
            hold = hold_from(integration.status, member) or recalled(self.newest.get(key), member, observed[key])
            recorded = self.recorded.get(key, ())
            ledger = _relived(ledger, member, recorded, interval_s=inventory.policy.spec.interval)
            ledger = _unfit(_remembered(ledger, member, hold), member, now=now)
            ledger = _returned(ledger, member.key, return_from(integration.status), now=now)
            ledger = _held(ledger, member, hold, observed[key], now=now)
            if key not in ledger.holds and key not in ledger.returned:
                ledger = _returned(ledger, key, brought_back(self.newest.get(key), hold, member), now=now)
        return ledger


def by_key(records: Iterable[FootprintRecord]) -> Mapping[str, tuple[FootprintRecord, ...]]:
    """The records of each integration, in their order."""
    found: dict[str, list[FootprintRecord]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record)
    return {key: tuple(each) for key, each in found.items()}


def identity_of(integration: Integration) -> Identity:
    """What makes it the same one: its uid, and the kind of its workload (another kind has another driver)."""
    return integration.metadata.uid, integration.spec.workload.kind


def _remembered(ledger: Ledger, member: Member, hold: Hold | None) -> Ledger:
    """The ledger with what the status tells beside the hold: the last decision, and what it takes."""
    status = member.integration.status
    last = status.last_decision if status else None
    if last is not None and last.reason is not None:
        ledger = said(ledger, member.key, _said(last, last.reason))
    return _sized(ledger, member, hold)


def _returned(ledger: Ledger, key: str, back: Return | None, *, now: Instant) -> Ledger:
    """The ledger with a return on trial. A status can be edited by anybody: nothing has come back in the future."""
    if back is None or back[0] > now:
        return ledger
    found = back[0], min(back[1], MOST_UNDONE)
    return replace(ledger, returned=MappingProxyType({**ledger.returned, key: found}))


def _held(ledger: Ledger, member: Member, kept: Hold | None, seen: Observation, *, now: Instant) -> Ledger:
    hold = _as_seen(kept, member, seen)
    if hold is None or overtaken(hold, member, seen):
        return ledger
    # A status can be edited by anybody: no date in the future and no endless wait may keep it off for ever.
    hold = replace(hold, since=min(hold.since, now), undone=min(hold.undone, MOST_UNDONE))
    last_shed_at = ledger.last_shed_at if hold.by_owner else max(ledger.last_shed_at, hold.since)
    return replace(ledger, holds=MappingProxyType({**ledger.holds, member.key: hold}), last_shed_at=last_shed_at)


def _relived(ledger: Ledger, member: Member, recorded: Iterable[FootprintRecord], *, interval_s: float) -> Ledger:
    """The ledger with what history says it takes at each of its levels.

    One without a footprint in its status has not been met before, whatever had its name.
    """
    if member.integration.status is None or member.integration.status.footprint is None:
        return ledger
    rungs = {member.ladder.level_name(rung): rung for rung in range(member.ladder.off)}
    rows = [(each.at, rungs[each.level], each.memory_bytes) for each in recorded if each.level in rungs]
    lived = relived(rows, interval_s=interval_s).items()
    found = {(member.key, rung): sizes for rung, sizes in lived if sizes.steady or sizes.peaks}
    return replace(ledger, measured=MappingProxyType({**ledger.measured, **found}))


def _unfit(ledger: Ledger, member: Member, *, now: Instant) -> Ledger:
    """The ledger with the levels that the status says are not to be switched to: they begin their rest anew."""
    status = member.integration.status
    why = {level.name: level.message for level in (status.levels or ()) if level.message} if status else {}
    for rung, level in enumerate(member.ladder.levels):
        if level.name in why:
            ledger = level_missed(ledger, (member.key, rung), why[level.name], now=now)
    return ledger


def _sized(ledger: Ledger, member: Member, hold: Hold | None) -> Ledger:
    """The ledger with the footprint that the status tells, where history tells none: nothing returns blindly."""
    status = member.integration.status
    known = status.footprint if status else None
    if known is None or known.steady is None:
        return ledger
    place = (member.key, hold.rung if hold is not None and hold.rung < member.ladder.off else 0)
    if known.source == Source.LEARNED:
        return replace(ledger, learned=MappingProxyType({**ledger.learned, place: (known.steady,)}))
    if known.source != Source.MEASURED or place in ledger.measured:
        return ledger
    sizes = Measured(steady=(known.steady,), starts=(max(known.steady, known.peak or 0),))
    return replace(ledger, measured=MappingProxyType({**ledger.measured, place: sizes}))


def _said(last: LastDecision, reason: Reason) -> Said:
    """The last decision as its status tells it, figures and all, so that a restart changes no status."""
    figures = {
        "memory_percent": last.memory_percent,
        "forecast_percent": last.forecast_percent,
        "lower_percent": last.lower,
        "upper_percent": last.upper,
        "model": last.model or None,
    }
    return Said(
        at=from_rfc3339(last.at) or 0.0,
        reason=reason,
        message=last.message,
        id=int(last.id) if last.id.isdecimal() else 0,
        numbers=MappingProxyType(figures),
        frees_bytes=last.frees,
    )


def _as_seen(hold: Hold | None, member: Member, seen: Observation) -> Hold | None:
    """The hold at the level where it really runs: the crash may have come before the switch, or after its undoing."""
    if hold is None or hold.rung >= member.ladder.off or seen.presence not in (Presence.RUNNING, Presence.STARTING):
        return hold
    if seen.level is None or seen.level not in {level.name for level in member.ladder.levels}:
        return hold
    rung = member.ladder.rung_of(seen.level)
    return replace(hold, rung=rung) if rung else None
