"""Patience with returns that had to be undone: first the forecast must be surer, then the wait grows.

A load that wavers undoes many returns, and waiting longer at once is dear; a return that brings memory with it which
nobody measures is undone each time, and must be tried ever less often.
"""

from brownout.core.instant import Instant
from brownout.core.member import Member
from brownout.core.snapshot import Snapshot

__all__ = ["FORGIVEN", "MOST_UNDONE", "SURE_AGAIN", "UNDONE_WITHIN", "may_vouch", "on_trial", "wait_s"]

# A return that had to be undone within this many stabilization times (10 min) was wrong; one that lasted longer was
# right, and what went before it is forgotten. White noise around 76 % undoes most returns within 5 to 10 min: counting
# only those within 3 it made up to 23 flips in 12 h (12 seeds), with 10 it makes up to 11.
UNDONE_WITHIN = 2.0
# After so many in a row the usual wait is enough, and a path that is surer is believed. On 8 real series of rough load
# it costs 5 % less than to wait longer at once.
FORGIVEN = 2
# The next ones make it wait 2, 4, 8 and 16 times as long (80 min), whatever the forecast says; more change nothing.
MOST_UNDONE = FORGIVEN + 4
# How sure a path must be after an undone return to stand in for calm. Without it a third of all lost minutes were waits
# after undone returns. At 0.8 rough load costs half a per cent less, and noise makes up to 17 flips.
SURE_AGAIN = 0.85


def on_trial(returned_at: Instant, *, now: Instant, stabilization_s: float) -> bool:
    """Whether it is still to be seen if a return lasts."""
    return now - returned_at < UNDONE_WITHIN * stabilization_s


def may_vouch(snapshot: Snapshot, member: Member) -> bool:
    """Whether a calibrated path may stand in for the wait below the enable threshold.

    That it fits for the whole horizon says more than that it was calm for as long: on 8 real series this saves 9 % of
    the cost (rough load) and 17 % (smooth). After the third undone return in a row, whatever it says, something comes
    with the return that no forecast knows of.
    """
    return snapshot.outlook.path is not None and member.undone <= FORGIVEN


def wait_s(snapshot: Snapshot, member: Member) -> float:
    """How long this member waits since the last step down: twice as long after each return in a row that had to be
    undone, but for the first few.
    """
    counted = min(member.undone, MOST_UNDONE) - FORGIVEN
    return snapshot.policy.stabilization.enable * 2.0 ** max(0, counted)
