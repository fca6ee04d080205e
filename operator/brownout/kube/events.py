"""Kubernetes Events: what `kubectl describe` shows at the end. Written behind the planner's back and never in its way.

A repeated message is counted, not repeated; one integration can write ten at once and then one a minute, so that
nothing that flaps can flood the cluster. What cannot be written is kept a while and then dropped: the journal holds
everything anyway.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self
from uuid import uuid4

from brownout.api.metadata import API_VERSION
from brownout.core.errors import HomeUnavailable
from brownout.core.instant import Instant, to_rfc3339
from brownout.engine.ports import Clock
from brownout.kube.client import Api
from brownout.kube.endpoints import EVENTS
from brownout.kube.shelf import Snapshot

__all__ = ["Announcer", "Notice"]

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 10.0
_REFILL_S: Final = 60.0
# Transitions of 64 integrations in one outage; more than that is told by the statuses.
_KEPT: Final = 64
_STALE_S: Final = 600.0
_RETRY_S: Final = 5.0
_THERE_ALREADY: Final = 409
_LONGEST: Final = 1024  # the API server refuses longer messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be told of one integration. `token` tells its Event from others: a write that is tried again, because
    the answer to the first did not come, must not tell it twice.
    """

    namespace: str
    name: str
    uid: str
    version: str
    reason: str
    message: str
    warning: bool
    at: Instant = 0.0
    token: str = field(default_factory=lambda: uuid4().hex[:16])

    @classmethod
    def about(cls, known: Snapshot, *, reason: str, message: str, warning: bool) -> Self:
        """A notice of the integration that a snapshot shows."""
        namespace, _, name = known.key.rpartition("/")
        return cls(
            namespace=namespace,
            name=name,
            uid=known.uid,
            version=known.version,
            reason=reason,
            message=message,
            warning=warning,
        )

    @property
    def same(self) -> tuple[str, str, str]:
        """Two with equal ones are one Event that is counted."""
        return (self.uid, self.reason, self.message)


@dataclass(slots=True)
class _Allowance:
    left: float = _AT_ONCE
    at: Instant = 0.0

    def take(self, now: Instant) -> bool:
        self.left = min(_AT_ONCE, self.left + (now - self.at) / _REFILL_S)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class _Written:
    name: str
    count: int
    last: Instant


@dataclass(slots=True)
class Announcer:
    """Queues notices and writes them one after the other."""

    api: Api
    clock: Clock
    identity: str
    _queue: deque[Notice] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _allowed: dict[str, _Allowance] = field(default_factory=dict)
    _written: dict[tuple[str, str, str], _Written] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self, notice: Notice) -> bool:
        """Take it up, at once; False where this integration has said too much lately. Never raises."""
        now = self.clock.now()
        self._allowed = {uid: one for uid, one in self._allowed.items() if now - one.at < _AT_ONCE * _REFILL_S}
        if not self._allowed.setdefault(notice.uid, _Allowance(at=now)).take(now):
            _log.info("too many events of %s/%s: left out: %s", notice.namespace, notice.name, notice.message)
            return False
        self._queue.append(replace(notice, at=now))
        self._wake.set()
        return True

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                notice = self._queue.popleft()
                if not await self.write(notice) and len(self._queue) < _KEPT:
                    self._queue.appendleft(notice)
                    await asyncio.sleep(_RETRY_S)

    async def write(self, notice: Notice) -> bool:
        """Write one; False where it may be tried again."""
        now = self.clock.now()
        if now - notice.at > _STALE_S:
            return True
        self._written = {key: one for key, one in self._written.items() if now - one.last < _STALE_S}
        try:
            if await self._count(notice, now):
                return True
            body = self._event(notice)
            answer = await self.api.post(EVENTS.path(namespace=notice.namespace), body)
        except HomeUnavailable as fault:
            _log.debug("event not written: %s", fault)
            return False
        if answer.done or answer.status == _THERE_ALREADY:
            self._written[notice.same] = _Written(body["metadata"]["name"], 1, now)
        else:
            _log.info("the API server refuses an event of %s/%s: %s", notice.namespace, notice.name, answer.message)
        return True

    async def _count(self, notice: Notice, now: Instant) -> bool:
        """Count one more where the same was said a short while ago; False where it was not, or the Event is gone."""
        said = self._written.get(notice.same)
        if said is None:
            return False
        change = {"count": said.count + 1, "lastTimestamp": to_rfc3339(notice.at)}
        answer = await self.api.patch(EVENTS.path(namespace=notice.namespace, name=said.name), change)
        if answer.done:
            said.count, said.last = said.count + 1, now
        return answer.done

    def _event(self, notice: Notice) -> dict[str, Any]:
        told = to_rfc3339(notice.at)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            # A name of at most 253: the integration's may be as long by itself.
            "metadata": {"name": f"{notice.name[:200].rstrip('-.')}.{notice.token}", "namespace": notice.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": "Integration",
                "namespace": notice.namespace,
                "name": notice.name,
                "uid": notice.uid,
                "resourceVersion": notice.version,
            },
            "reason": notice.reason,
            "message": notice.message[:_LONGEST],
            "type": "Warning" if notice.warning else "Normal",
            "source": {"component": "brownout", "host": self.identity[:128]},
            "reportingComponent": "brownout",
            "reportingInstance": self.identity[:128],
            "firstTimestamp": told,
            "lastTimestamp": told,
            "count": 1,
        }
