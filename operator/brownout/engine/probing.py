"""Probing: one check of one integration, bounded in time, with its verdict.

What is measured of time is taken here, and from it is taken what the controller itself was late by: a loop that stood
still must not make every integration slow.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from brownout.api.integration import HealthCheck, Integration
from brownout.api.quantities import format_duration
from brownout.core.health import Answer, Check, Checked
from brownout.core.member import Presence
from brownout.engine.prober import HealthSource
from brownout.engine.world import World, faulty

__all__ = ["STOOD_STILL_S", "Probing"]

# A timer of ours that comes later than this was held up: the loop stood still, or the whole machine did.
STOOD_STILL_S: Final = 0.5
#: What a check that is given up may take to end.
END_S: Final = 0.25
_STILL_HANGS: Final = "the check before it has not ended yet"


@dataclass(slots=True)
class _Timer:
    """A mark on the loop's clock; how much later than it was due the loop came to it."""

    due: float
    loop: asyncio.AbstractEventLoop
    late_s: float = 0.0
    handle: asyncio.TimerHandle = field(init=False)

    def __post_init__(self) -> None:
        self.handle = self.loop.call_at(self.due, self._came)

    def stop(self) -> None:
        """It is not needed any more."""
        self.handle.cancel()

    def _came(self) -> None:
        self.late_s = max(0.0, self.loop.time() - self.due)


class Probing:
    """Checks one integration, again and again, one check at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: asyncio.Task[Checked] | None = None

    async def check(self, integration: Integration, presence: Presence) -> Check:
        """Make one check; its verdict, at the latest when the timeout is over. `presence` is what the last tick saw.

        What does not heed its cancellation goes on hanging, and every check until it has ended has failed at once.
        """
        if self._asking is not None and not self._asking.done():
            await asyncio.wait((self._asking,), timeout=END_S)  # it may only just have been cancelled
        if self._asking is not None and not self._asking.done():
            return self._verdict(integration, Checked(answer=Answer.FAILED, why=_STILL_HANGS), None)
        loop, health = asyncio.get_running_loop(), integration.spec.health
        began = loop.time()
        budget, end = _Timer(began + health.latency_budget, loop), _Timer(began + health.timeout, loop)
        self._asking = asking = asyncio.create_task(self._answer(integration, presence))
        try:
            await asyncio.wait((asking,), timeout=health.timeout)
        finally:
            budget.stop()
            end.stop()
            asking.cancel()
        if asking.done() and not asking.cancelled():
            # What the loop was late by when the budget ended is our own slowness, not the integration's.
            return self._verdict(integration, asking.result(), max(0.0, loop.time() - began - budget.late_s))
        return self._verdict(integration, _timed_out(health, end.late_s), None)

    def stop(self) -> None:
        """Nobody waits for its verdict any more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _answer(self, integration: Integration, presence: Presence) -> Checked:
        """What whoever is responsible for this kind of check says; a fault of its own says nothing of the workload."""
        driver: object = self._world.driver(integration)
        try:
            if integration.spec.health.probed:
                return await self._world.prober.check(integration)
            if isinstance(driver, HealthSource):
                return await driver.check(integration)
        except Exception as error:  # noqa: BLE001 - one bad checker must not end the checks of the others
            self._world.observers.on_fault("health", f"{integration.name}: {faulty(error)}")
            return Checked(answer=Answer.BLOCKED, why="the check itself failed")
        return _by_presence(presence)

    def _verdict(self, integration: Integration, checked: Checked, took_s: float | None) -> Check:
        now, budget_s = self._world.clock.now(), integration.spec.health.latency_budget
        known_s = took_s if checked.answer is Answer.OK else None
        if known_s is not None and known_s > budget_s:
            why = f"an answer takes longer than {format_duration(budget_s)}"
            return Check(answer=Answer.SLOW, at=now, took_s=known_s, why=why)
        return Check(answer=checked.answer, at=now, took_s=known_s, why=checked.why)


def _by_presence(presence: Presence) -> Checked:
    """What the last tick saw, where nobody can be asked more often."""
    if presence is Presence.UNKNOWN:
        return Checked(answer=Answer.BLOCKED, why="nobody can tell whether it lives")
    return Checked(answer=Answer.FAILED if presence is Presence.FAILED else Answer.OK, why="it does not run")


def _timed_out(health: HealthCheck, late_s: float) -> Checked:
    if late_s > STOOD_STILL_S:
        return Checked(answer=Answer.BLOCKED, why="the controller itself stood still while it was checked")
    port = health.http or health.tcp
    where = f" on port {port.port}" if port else ""
    return Checked(answer=Answer.FAILED, why=f"no answer{where} within {format_duration(health.timeout)}")
