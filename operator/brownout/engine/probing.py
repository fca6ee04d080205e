"""Probing: one check of one integration, bounded in time, with its verdict.

What is measured of time is taken here, and from it is taken what the controller itself was late by: a loop that stood
still must not make every integration slow.
"""

import asyncio
import math
from collections.abc import Callable
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


class Probing:
    """Checks one integration, again and again, one check at a time. It costs one task and two timers a check."""

    def __init__(self, world: World, integration: Integration) -> None:
        self._world = world
        self._integration = integration
        self._loop = asyncio.get_running_loop()
        driver: object = world.driver(integration)
        self._source = driver if isinstance(driver, HealthSource) else None
        self._asking: asyncio.Task[Checked] | None = None
        self._gave_up_at = -math.inf

    def begin(self, integration: Integration, presence: Presence, told: Callable[[Check], None]) -> None:
        """Make one check; `told` hears its verdict once, at the latest when the timeout is over.

        `presence` is what the last tick saw, for those of whom nobody can say more. What does not heed its cancellation
        goes on hanging, and every check until it has ended has failed at once.
        """
        if self._asking is not None and not self._asking.done():
            if self._loop.time() - self._gave_up_at < END_S:
                self._loop.call_later(END_S, self.begin, integration, presence, told)
            else:
                told(self.verdict(integration, Checked(answer=Answer.FAILED, why=_STILL_HANGS), None))
        elif not integration.spec.health.probed and self._source is None:
            told(self.verdict(integration, _by_presence(presence), None))
        else:
            self._asking = asyncio.create_task(self._answer(integration))
            _Wait(self, integration, self._asking, told)

    async def check(self, presence: Presence) -> Check:
        """Make one check and wait for its verdict."""
        done: asyncio.Future[Check] = self._loop.create_future()
        self.begin(self._integration, presence, lambda check: None if done.done() else done.set_result(check))
        try:
            return await done
        except asyncio.CancelledError:
            self.stop()
            raise

    def stop(self) -> None:
        """Nobody waits for its verdict any more."""
        if self._asking is not None:
            self._asking.cancel()

    def gave_up(self) -> None:
        """The check under way was cancelled, and may take a moment to end."""
        self._gave_up_at = self._loop.time()

    def verdict(self, integration: Integration, checked: Checked, took_s: float | None) -> Check:
        """What an answer means after so long."""
        now, budget_s = self._world.clock.now(), integration.spec.health.latency_budget
        known_s = took_s if checked.answer is Answer.OK else None
        if known_s is not None and known_s > budget_s:
            why = f"an answer takes longer than {format_duration(budget_s)}"
            return Check(answer=Answer.SLOW, at=now, took_s=known_s, why=why)
        return Check(answer=checked.answer, at=now, took_s=known_s, why=checked.why)

    async def _answer(self, integration: Integration) -> Checked:
        """What whoever is responsible for this kind of check says; a fault of its own says nothing of the workload."""
        try:
            if self._source is not None and not integration.spec.health.probed:
                return await self._source.check(integration)
            return await self._world.prober.check(integration)
        except Exception as error:  # noqa: BLE001 - one bad checker must not end the checks of the others
            self._world.observers.on_fault("health", f"{integration.name}: {faulty(error)}")
            return Checked(answer=Answer.BLOCKED, why="the check itself failed")


class _Wait:
    """Waits for one check until its timeout. The first of the two to come speaks."""

    def __init__(
        self, probing: Probing, integration: Integration, asking: "asyncio.Task[Checked]", told: Callable[[Check], None]
    ) -> None:
        health, self._loop = integration.spec.health, asyncio.get_running_loop()
        self._probing, self._integration, self._asking, self._told = probing, integration, asking, told
        self._late_s = 0.0
        self._began = self._loop.time()
        self._budget = self._loop.call_at(self._began + health.latency_budget, self._over_budget)
        self._end = self._loop.call_at(self._began + health.timeout, self._over)
        asking.add_done_callback(self._answered)

    def _over_budget(self) -> None:
        self._late_s = max(0.0, self._loop.time() - self._budget.when())

    def _over(self) -> None:
        self._asking.remove_done_callback(self._answered)
        self._asking.cancel()
        self._probing.gave_up()
        late_s = self._loop.time() - self._end.when()
        self._say(_timed_out(self._integration.spec.health, late_s), None)

    def _answered(self, asking: "asyncio.Task[Checked]") -> None:
        self._end.cancel()
        if asking.cancelled():  # nobody wants to know any more
            self._budget.cancel()
            return
        # What the loop was late by when the budget ended is our own slowness, not the integration's.
        self._say(asking.result(), max(0.0, self._loop.time() - self._began - self._late_s))

    def _say(self, checked: Checked, took_s: float | None) -> None:
        self._budget.cancel()
        self._told(self._probing.verdict(self._integration, checked, took_s))


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
