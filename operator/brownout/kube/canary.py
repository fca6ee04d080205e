"""Whether the watch still delivers: what must come back through it, and since when it is awaited.

A watch can die without a word while everything else looks healthy (kopf 1145, 1276). So each version that the API
server is known to hold - because we wrote it, or saw it in a listing - must arrive through the watch in time. A value
that ages; it knows no network and no clock of its own.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from brownout.core.instant import Instant
from brownout.kube.shelf import newer

__all__ = ["FLOOR_S", "Canary", "Silence"]

#: The least time that is waited for news. An API server under load takes seconds; 15 s is also one of kopf's retries
#: and a half.
FLOOR_S = 15.0
# How often the deadline the silence may last before the process had better start afresh.
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """News that is overdue. `fatal`: waiting longer has no sense, only a new start has."""

    since_s: float
    awaited: str
    fatal: bool

    def __str__(self) -> str:
        return f"the watch is silent: {self.awaited} was to come through it {self.since_s:.0f} s ago"


@dataclass(slots=True)
class _Awaited:
    version: str
    name: str
    since: Instant


class Canary:
    """The versions that are awaited, and those that have arrived, by uid."""

    def __init__(self, *, floor_s: float = FLOOR_S) -> None:
        self._floor_s = floor_s
        self._arrived: dict[str, str] = {}
        self._awaited: dict[str, _Awaited] = {}

    def expect(self, uid: str, version: str, *, name: str, now: Instant) -> None:
        """This version exists: it, or a later one, must arrive. Earlier expectations keep their age."""
        if not newer(version, self._arrived.get(uid, "0")):
            return
        waiting = self._awaited.get(uid)
        if waiting is None:
            self._awaited[uid] = _Awaited(version, name, now)
        elif newer(version, waiting.version):
            # The older version no longer exists to be delivered, but the silence has lasted since it was awaited.
            waiting.version = version

    def arrived(self, uid: str, version: str, *, now: Instant) -> None:
        """The watch delivered this. A later version answers for all earlier ones."""
        self._arrived[uid] = version
        waiting = self._awaited.get(uid)
        if waiting is None:
            return
        if newer(waiting.version, version):
            waiting.since = now  # something came, only not the latest: a busy watch is not a silent one
        else:
            del self._awaited[uid]

    @property
    def mute(self) -> bool:
        """Whether something is awaited and nothing has ever come."""
        return bool(self._awaited) and not self._arrived

    def left(self, uid: str) -> None:
        """The object is gone: nothing more is to come of it."""
        self._arrived.pop(uid, None)
        self._awaited.pop(uid, None)

    def keep(self, uids: AbstractSet[str]) -> None:
        """Only these exist."""
        for uid in [*self._awaited.keys() - uids, *self._arrived.keys() - uids]:
            self.left(uid)

    def excuse(self) -> None:
        """The API server was away: nothing could come, so nothing is overdue. A listing sets new expectations."""
        self._awaited.clear()

    def silence(self, *, now: Instant, interval_s: float) -> Silence | None:
        """What is overdue for longest: 2 intervals, and never less than the floor."""
        oldest = min(self._awaited.values(), key=lambda one: one.since, default=None)
        limit_s = max(2 * interval_s, self._floor_s)
        if oldest is None or now - oldest.since <= limit_s:
            return None
        since_s = now - oldest.since
        return Silence(since_s=since_s, awaited=oldest.name, fatal=since_s > _PATIENCE * limit_s)
