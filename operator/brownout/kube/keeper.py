"""What keeps the home honest while it runs: a sound start, the leases, a listing now and then, an ear for silence.

    start     discovery and the first listing must succeed within a deadline: kopf would wait for ever without a word
    listing   every 10 min, when the API server comes back, and at the heartbeat's pace where no heartbeat can be
    written silence   what we know to exist and the watch does not bring: first a fault, and three times as long ends
    the home

It writes leases and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from brownout.core.errors import HomeUnavailable
from brownout.core.instant import Instant
from brownout.engine.ports import Clock
from brownout.kube.canary import FLOOR_S, Silence
from brownout.kube.client import Api
from brownout.kube.discovery import check_server
from brownout.kube.feed import Feed
from brownout.kube.lease import DURATION_S, RENEW_S, Lease

__all__ = ["Keeper", "Rhythm"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often what is done; tests make it faster. Seconds."""

    start_deadline_s: float = 60.0
    start_retry_s: float = 2.0
    list_every_s: float = 600.0
    look_every_s: float = 5.0
    renew_every_s: float = RENEW_S
    renew_retry_s: float = 2.0
    lease_s: float = DURATION_S
    floor_s: float = FLOOR_S


class Keeper:
    """The loops beside kopf."""

    def __init__(self, api: Api, clock: Clock, feeds: Sequence[Feed], leases: Sequence[Lease], rhythm: Rhythm) -> None:
        self._api = api
        self._clock = clock
        self._feeds = feeds
        self._leases = leases
        self._rhythm = rhythm
        self._listed_at: Instant | None = None
        self._returned = asyncio.Event()
        self.interval_s: Callable[[], float] = lambda: 30.0
        self.heartbeat_is_ours: Callable[[], bool] = lambda: False
        self.on_change: Callable[[], None] = lambda: None
        api.on_return = self._returned.set

    @property
    def listed(self) -> bool:
        """Whether the cluster has been read once in full."""
        return self._listed_at is not None

    async def start(self) -> None:
        """Wait until kopf can work, and read the cluster once. Raises HomeUnavailable after the deadline."""
        deadline = self._clock.now() + self._rhythm.start_deadline_s
        while True:
            try:
                await check_server(self._api)
                await self.list_all()
            except HomeUnavailable as fault:
                if self._clock.now() >= deadline:
                    raise
                _log.warning("waiting for the cluster: %s", fault)
                await asyncio.sleep(self._rhythm.start_retry_s)
            else:
                return

    async def hold_leases(self) -> None:
        """Renew them until cancelled; then give them back."""
        try:
            while True:
                pause_s = self._rhythm.renew_every_s
                for lease in self._leases:
                    try:
                        before, held = lease.held, await lease.renew()
                    except HomeUnavailable as fault:
                        _log.debug("lease %s not renewed: %s", lease.name, fault)
                        pause_s = self._rhythm.renew_retry_s
                    else:
                        self._tell(lease, before=before, held=held)
                await asyncio.sleep(pause_s)
        finally:
            for lease in self._leases:
                await lease.release()

    async def stay_honest(self) -> None:
        """List and look for silence until cancelled. Raises HomeUnavailable when the watch is to be given up."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rhythm.look_every_s):
                    await self._returned.wait()
            if self._returned.is_set() or self._list_is_due():
                await self._list_again()
            self._look()

    async def list_all(self) -> None:
        """Read all of it. Raises HomeUnavailable."""
        changed = False
        for feed in self._feeds:
            answer = await self._api.get(feed.endpoint.path())
            if not answer.done:
                raise HomeUnavailable(f"cannot list {feed.endpoint}: {answer.message}")
            changed = feed.listed(answer.body, now=self._clock.now()) or changed
        first, self._listed_at = self._listed_at is None, self._clock.now()
        if changed or first:
            self.on_change()

    @property
    def mute(self) -> bool:
        """Whether a watch has not begun to deliver."""
        return any(feed.mute for feed in self._feeds)

    def silence(self) -> Silence | None:
        """What the watch owes us for longest."""
        now, interval_s = self._clock.now(), self.interval_s()
        found = [one for feed in self._feeds if (one := feed.silence(now=now, interval_s=interval_s))]
        return max(found, key=lambda one: one.since_s, default=None)

    def _list_is_due(self) -> bool:
        # Without a heartbeat of ours nothing would show that the watch is silent, so the listing has to.
        every_s = self._rhythm.list_every_s if self.heartbeat_is_ours() else self.interval_s()
        return self._listed_at is None or self._clock.now() - self._listed_at >= max(every_s, self._rhythm.look_every_s)

    async def _list_again(self) -> None:
        self._returned.clear()
        for feed in self._feeds:
            if self._api.trouble is not None:
                feed.excuse()
        try:
            await self.list_all()
        except HomeUnavailable as fault:
            if self._api.trouble is None:
                raise  # it answers, and what it says makes no sense any more
            _log.debug("not listed: %s", fault)

    def _look(self) -> None:
        if self._api.trouble is not None:
            for feed in self._feeds:
                feed.excuse()
        silence = self.silence()
        if silence is None:
            return
        if silence.fatal:
            raise HomeUnavailable(str(silence), advice="the controller has to start afresh")
        _log.warning("%s", silence)

    def _tell(self, lease: Lease, *, before: bool, held: bool) -> None:
        if before != held:
            _log.info("lease %s is %s", lease.name, "ours" if held else f"held by {lease.holder or 'another'}")
            self.on_change()
