"""Overtaken holds: what we hold off and somebody else has brought back. We do not fight over a workload: it counts as
up again, and goes anew when it has to. Pure; the simulator's too.
"""

from brownout.core.instant import Instant
from brownout.core.ledger import Ledger, released
from brownout.core.member import Hold, Member, Observation, Presence

# A workload that we have just switched off may be seen running once more (a scale that is still being carried out);
# later than this somebody else brought it back.
OVERTAKEN_AFTER_S = 60.0


def overtaken(hold: Hold, member: Member, seen: Observation) -> bool:
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
        and overtaken(member.hold, member, member.observed)
        and now - member.hold.since > OVERTAKEN_AFTER_S
    ]
    for member in undone:
        ledger = released(ledger, member.key)
    return ledger, tuple(member.name for member in undone)
