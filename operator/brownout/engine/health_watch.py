"""The health watch: checks every integration that is on, all side by side, each bounded in time.

Every `spec.health.period` one check of each is begun, at a place in the period that is its own, so that a thousand do
not fire at once. One that hangs delays nothing and never piles up: its verdict is given when its timeout is over, and
nothing more is asked of that integration until it has ended.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import Final

from brownout.api.integration import HealthCheck, Integration
from brownout.api.reasons import Health, Reason
from brownout.core.breaker import Breaker, Source
from brownout.core.health import (
    NEVER,
    Answer,
    Check,
    Findings,
    HealthRecord,
    Wellbeing,
    after,
    ails,
    found_since,
    phase,
    wrong,
)
from brownout.core.member import Member, Presence
from brownout.core.snapshot import Snapshot
from brownout.engine.circuits import Pass
from brownout.engine.probing import STOOD_STILL_S, Probing
from brownout.engine.world import World

__all__ = ["HealthWatch"]

#: The least time between two rounds: what falls due within it is begun together. A sixth of the shortest period.
ROUND_S: Final = 2.0**-6
IDLE_S: Final = 1.0
CALLS_S: Final = 1.0
#: How late a circuit whose wait is over may be told to be half-open; whoever asks it is never late.
TURN_S: Final = 1.0


@dataclass(slots=True)
class _Beat:
    """One integration that is checked. `due` is on the loop's clock; `waiting`: a check is under way, `missed`: that
    another fell due meanwhile.
    """

    integration: Integration
    due: float
    presence: Presence
    probing: Probing
    record: HealthRecord = NEVER
    waiting: bool = False
    missed: bool = False

    @property
    def health(self) -> HealthCheck:
        """How it is to be checked."""
        return self.integration.spec.health


class HealthWatch:
    """Checks for ever, beside the planner. `seen` gives the snapshot of the last tick, None before the first, and
    `switching` who is being switched right now: of those no check says anything.
    """

    def __init__(
        self, world: World, seen: Callable[[], Snapshot | None], switching: Callable[[], frozenset[str]]
    ) -> None:
        self._world = world
        self._seen = seen
        self._switching = switching
        self._synced: Snapshot | None = None
        self._beats: dict[str, _Beat] = {}
        self._heap: list[tuple[float, str]] = []
        self._kept: Mapping[str, HealthRecord] = {}
        self._turn_at = 0.0
        self._changed = ""
        self._called_at = -math.inf
        self._telling: set[asyncio.Task[None]] = set()
        world.circuits.changed = self._circuit_changed

    async def run(self, wake: Callable[[str], None]) -> None:
        """Check for ever; `wake` calls the planner when somebody's health or circuit has changed."""
        try:
            while True:
                with self._world.contained("health"):  # a bug here costs checks, not the controller
                    self._round()
                    self._call(wake)
                await asyncio.sleep(self._pause_s())
        finally:
            await self._close()

    def seen_of(self, key: str) -> Wellbeing | None:
        """What is known of one; None where it is not checked."""
        beat = self._beats.get(key)
        if beat is None:
            return None
        return Wellbeing(record=beat.record, breaker=self._world.circuits.of(key, now=self._world.clock.now()))

    def all_seen(self) -> Mapping[str, Wellbeing]:
        """What is known of each that is checked, by key."""
        return {key: seen for key in self._beats if (seen := self.seen_of(key)) is not None}

    def findings(self) -> Mapping[str, Findings]:
        """What was found of each since the last call: for the history, which keeps it with each sample."""
        before, seen = self._kept, self.all_seen()
        self._kept = {key: one.record for key, one in seen.items()}
        return {key: found_since(before.get(key), one) for key, one in seen.items()}

    def ailing(self) -> Mapping[str, str]:
        """Who was well until lately and is not now, with how it suffers."""
        now = self._world.clock.now()
        found = ((key, ails(beat.record, now=now)) for key, beat in self._beats.items())
        return {key: how for key, how in found if how}

    # --- who is checked, and when ------------------------------------------------------------------------------------

    def _round(self) -> None:
        """Begin what is due."""
        snapshot = self._seen()
        if snapshot is not None and snapshot is not self._synced:
            self._synced = snapshot
            self._sync(snapshot)
        now = asyncio.get_running_loop().time()
        if now >= self._turn_at:
            self._turn_at = now + TURN_S
            self._world.circuits.turn(now=self._world.clock.now())
        while self._heap and self._heap[0][0] <= now:
            due, key = heappop(self._heap)
            beat = self._beats.get(key)
            if beat is not None and beat.due == due:  # another due: it was forgotten and met again
                self._begin(key, beat)
                period_s = beat.health.period
                beat.due += period_s * (1 + max(0, int((now - beat.due) / period_s)))
                heappush(self._heap, (beat.due, key))

    def _sync(self, snapshot: Snapshot) -> None:
        checked = {member.key: member for member in snapshot.members if member.checked}
        for key in self._beats.keys() - checked.keys():
            self._forget(key)
        for key, member in checked.items():
            beat = self._beats.get(key)
            if beat is not None and not _same(beat.integration, member.integration):
                self._forget(key)
                beat = None
            if beat is None:
                self._meet(key, member)
            else:
                beat.integration, beat.presence = member.integration, member.observed.presence

    def _meet(self, key: str, member: Member) -> None:
        health = member.integration.spec.health
        due = asyncio.get_running_loop().time() + phase(key) * health.period
        presence, probing = member.observed.presence, Probing(self._world, member.integration)
        self._beats[key] = _Beat(integration=member.integration, due=due, presence=presence, probing=probing)
        self._world.circuits.set_threshold(key, health.failure_threshold)
        heappush(self._heap, (due, key))

    def _forget(self, key: str) -> None:
        beat = self._beats.pop(key)
        self._world.circuits.forget(key)
        beat.probing.stop()

    def _pause_s(self) -> float:
        if not self._heap:
            return IDLE_S
        return min(IDLE_S, max(ROUND_S, self._heap[0][0] - asyncio.get_running_loop().time()))

    # --- one check -------------------------------------------------------------------------------------------------

    def _begin(self, key: str, beat: _Beat) -> None:
        """Begin one check. Of an open circuit checks go on, and only the one that is its trial counts for it."""
        if self._beats.get(key) is not beat or key in self._switching():
            return
        if beat.waiting:
            beat.missed = True  # its timeout is not shorter than its period: the next begins when this one has ended
            return
        now, within_s = self._world.clock.now(), beat.health.timeout + STOOD_STILL_S
        passed = self._world.circuits.allow(key, now=now, source=Source.CHECK, within_s=within_s)
        beat.waiting = True
        beat.probing.begin(beat.integration, beat.presence, partial(self._told, key, beat, passed))

    def _told(self, key: str, beat: _Beat, passed: Pass, check: Check) -> None:
        """One check has ended."""
        beat.waiting = False
        with self._world.contained("health"):
            if self._beats.get(key) is beat and key not in self._switching():
                self._judge(key, beat, passed, check)
            else:
                self._world.circuits.unused(passed)
        if beat.missed:
            beat.missed = False
            asyncio.get_running_loop().call_later(ROUND_S, self._begin, key, beat)

    def _judge(self, key: str, beat: _Beat, passed: Pass, check: Check) -> None:
        """Keep what came of it, and say so where it changes anything."""
        now, circuits = self._world.clock.now(), self._world.circuits
        before, beat.record = beat.record, after(beat.record, check, threshold=beat.health.failure_threshold)
        if check.answer is Answer.FAILED:
            circuits.failed(passed, check.why, now=now)
        elif check.answer is Answer.BLOCKED:
            circuits.unused(passed)
        else:  # an answer that is late is an answer
            circuits.succeeded(passed, now=now)
        if beat.record.health is not before.health:
            self._health_changed(key, beat, before)

    def _call(self, wake: Callable[[str], None]) -> None:
        """Call the planner for what has changed, at most once a second: when a machine falls, everything on it does."""
        now = asyncio.get_running_loop().time()
        if self._changed and now - self._called_at >= CALLS_S:
            wake(self._changed)
            self._changed, self._called_at = "", now

    # --- what is said of it ------------------------------------------------------------------------------------------

    def _health_changed(self, key: str, beat: _Beat, before: HealthRecord) -> None:
        record, name = beat.record, beat.integration.name
        if before.health is not Health.UNKNOWN or record.health is not Health.HEALTHY or beat.health.probed:
            self._changed = "health has changed"  # without a probe its status says already that its process lives
        if record.health is Health.UNHEALTHY:
            self._announce(key, Reason.UNHEALTHY, f"{name} is unhealthy: {wrong(record)}", warning=True)
        elif (before.health, record.health) == (Health.UNHEALTHY, Health.HEALTHY):
            self._announce(key, Reason.WITHIN_LIMITS, f"{name} passes its checks again", warning=False)

    def _circuit_changed(self, key: str, before: Breaker, breaker: Breaker) -> None:
        if key not in self._beats:
            return
        name = self._beats[key].integration.name
        if before.closed or breaker.closed:  # from open to half-open and back is told at the next tick
            self._changed = "a circuit has changed"
        if breaker.opened_by is Source.CHECK:
            return  # its health says it
        if before.closed:
            said = f"{name} gets no requests for now: {breaker.why}"
            self._announce(key, Reason.CIRCUIT_OPEN, said, warning=True)
        elif breaker.closed:
            self._announce(key, Reason.WITHIN_LIMITS, f"{name} gets requests again: a trial succeeded", warning=False)

    def _announce(self, key: str, reason: Reason, message: str, *, warning: bool) -> None:
        """Tell people, without waiting for it."""
        telling = asyncio.create_task(self._tell(key, reason, message, warning=warning))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, key: str, reason: Reason, message: str, *, warning: bool) -> None:
        with self._world.contained("announce"):
            await self._world.home.announce(key, reason.value, message, warning=warning)

    async def _close(self) -> None:
        for beat in self._beats.values():
            beat.probing.stop()
        for telling in self._telling:
            telling.cancel()
        with self._world.contained("health"):
            await self._world.prober.close()


def _same(known: Integration, new: Integration) -> bool:
    """Whether what is known of one still holds of the other: checked in the same way, and the same object."""
    if known is new:
        return True
    same = known.metadata.uid == new.metadata.uid and known.spec.workload.kind is new.spec.workload.kind
    return same and known.spec.health == new.spec.health
