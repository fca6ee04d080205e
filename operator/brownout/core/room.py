"""Room that is spoken for: memory that nobody holds yet, but that will be taken without another decision. Pure.

What is asleep is on and holds nothing; with the first request to it, it starts. Its room is kept from whatever is less
important, as far as it fits: what returned into it would keep the more important one from starting. Who starts already
is counted before everybody, whatever its place, until what is measured of it is all that it takes.
"""

from dataclasses import dataclass
from typing import ClassVar

from brownout.api.quantities import approximate_bytes
from brownout.core.member import Member
from brownout.core.snapshot import Snapshot
from brownout.core.wording import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes, and the names of those who will take them."""

    size_bytes: int = 0
    names: tuple[str, ...] = ()

    NONE: ClassVar["Room"]

    def beside(self) -> str:
        """`, and 3 GiB for voice, which is still to start`; empty where nothing is spoken for."""
        verb = "is" if len(self.names) == 1 else "are"
        who = f"{listing(sorted(self.names))}, which {verb} still to start"
        return f", and {approximate_bytes(self.size_bytes)} for {who}" if self.size_bytes else ""

    def taken(self, member: Member) -> "Room":
        """With what this one may take yet."""
        size = member.yet_bytes
        return Room(size_bytes=self.size_bytes + size, names=(*self.names, member.name)) if size else self


Room.NONE = Room()


def starting(snapshot: Snapshot, key: str) -> Room:
    """What is being started now will take, beside the one of this key."""
    room = Room.NONE
    for other in snapshot.unspent:
        if other != key and not _sleeps(snapshot.by_key[other], snapshot):
            room = room.taken(snapshot.by_key[other])
    return room


def spoken_for(snapshot: Snapshot, member: Member, *, top_percent: float) -> Room:
    """What a member must leave free beside itself, on top of what memory is expected to be.

    Of those asleep the most important come first, and one that would not fit has no room kept for it.
    """
    if not snapshot.unspent:
        return Room.NONE
    room = starting(snapshot, member.key)
    above = [key for key, place in snapshot.unspent.items() if place > snapshot.place(member.key)]
    for key in reversed(above):
        sleeper = snapshot.by_key[key]
        with_it = room.taken(sleeper) if _sleeps(sleeper, snapshot) else room
        if top_percent + snapshot.outlook.percent_of(with_it.size_bytes) < snapshot.policy.thresholds.disable:
            room = with_it
    return room


def _sleeps(member: Member, snapshot: Snapshot) -> bool:
    return member.observed.asleep and member.key not in snapshot.waking
