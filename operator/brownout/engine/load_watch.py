"""The load watch: looks at requests every few seconds, and calls the planner when a trigger goes on.

It reads memory's figures from the last sample and asks nobody: the sentinel is who looks at memory between ticks.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.api.reasons import Reason
from brownout.core.forecast import Forecast
from brownout.core.rates import RequestReading, Served, served_since
from brownout.core.triggers import Load, Trigger, spiking_now, triggers_of
from brownout.core.window import Window
from brownout.engine.world import World

# Six looks within the span of a spike, as finely as rates are counted; not more often than memory is looked at.
LOOKS_PER_SPAN = 6.0
FASTEST_S = 1.0
SLOWEST_S = 10.0

CAUSES = {
    Reason.LOAD_SPIKE: "requests have risen",
    Reason.UNDER_PRESSURE: "an integration suffers from pressure",
    Reason.DAILY_PEAK_AHEAD: "a daily peak is ahead",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the last tick saw: integrations, the policy in force, memory, a peak ahead, and whose checks fail lately."""

    integrations: Mapping[str, Integration]
    policy: PolicySpec
    window: Window
    peak: Forecast | None = None
    ailing: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class LoadWatch:
    """Knows who is in a spike and which triggers are on. `seen` gives what the last tick saw."""

    def __init__(self, world: World, seen: Callable[[], Seen]) -> None:
        self._world = world
        self._seen = seen
        self._spiking: frozenset[str] = frozenset()
        self._on: frozenset[tuple[Reason, str]] = frozenset()
        self._kept: Mapping[str, RequestReading] = {}
        self.readings: Mapping[str, RequestReading] = MappingProxyType({})

    async def run(self, wake: Callable[[str], None]) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._pause_s())
            with self._world.contained("load"):  # a bug here costs a trigger, not the controller
                self.look(wake)

    def look(self, wake: Callable[[str], None]) -> None:
        """Look once; whoever was not on at the last look calls the planner."""
        before = self._on
        for trigger in self.triggers():
            if (trigger.reason, trigger.key) not in before:
                wake(CAUSES[trigger.reason])
                return

    def triggers(self) -> tuple[Trigger, ...]:
        """What is on now."""
        seen = self._seen()
        self.readings = self._read(seen.policy)
        load = Load(
            readings=self.readings,
            spiking=self._spiking,
            integrations=seen.integrations,
            window=seen.window,
            peak=seen.peak,
            ailing=seen.ailing,
        )
        found = triggers_of(load, seen.policy, now=self._world.clock.now())
        self._spiking = spiking_now(load, seen.policy)
        self._on = frozenset((trigger.reason, trigger.key) for trigger in found)
        return found

    def served(self) -> Mapping[str, Served]:
        """What each integration served since the last call: for the history, which keeps it with each sample."""
        before, self._kept = self._kept, self.readings
        return {key: served_since(before.get(key), reading) for key, reading in self.readings.items()}

    def _read(self, policy: PolicySpec) -> Mapping[str, RequestReading]:
        with self._world.contained("load"):
            return self._world.requests.readings(now=self._world.clock.now(), within_s=policy.spike.within)
        return MappingProxyType({})

    def _pause_s(self) -> float:
        return min(SLOWEST_S, max(FASTEST_S, self._seen().policy.spike.within / LOOKS_PER_SPAN))
