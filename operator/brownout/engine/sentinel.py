"""The sentinel: looks at memory once a second or faster, and only at memory.

It can do two things: carry out the emergency, and call the planner early. A training of ours, whose memory is the
first to go, it ends. It waits for nothing: no disk, no API server, no workload's graceful stop stands between its look
and the first action (kubernetes 123872: one soft eviction of 7 hours blocked the hard ones).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from brownout.api.policy import PolicySpec
from brownout.core.pacing import fill_rate, pause_s
from brownout.engine.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """What the sentinel may set off. Both return at once."""

    emergency: Callable[[float], None]  # memory in percent, at or above the emergency threshold
    early: Callable[[str], None]  # the planner is called before its time, with the cause
    pressed: Callable[[], None] = lambda: None  # at every look at or above the disable threshold


class Sentinel:
    """One look after the other, for as long as the controller lives."""

    def __init__(self, world: World, policy: Callable[[], PolicySpec], reactions: Reactions) -> None:
        self._world = world
        self._policy = policy
        self._reactions = reactions
        self._last: float | None = None
        self._last_at = 0.0
        self._rate = 0.0
        self.looks = 0

    async def run(self) -> None:
        """Look for ever."""
        while True:  # noqa: ASYNC110 - it paces itself; there is no event to wait for
            await asyncio.sleep(self.look())

    def look(self) -> float:
        """Look once, react, and say in how many seconds to look again."""
        policy, now = self._policy(), self._world.clock.now()
        used = self._world.used_percent(policy)
        with self._world.contained("sentinel"):  # the last guard outlives every bug of ours (earlyoom 378)
            self._react(used, policy)
        self._rate = fill_rate(self._last, used, elapsed_s=now - self._last_at, held=self._rate)
        self._last, self._last_at, self.looks = used, now, self.looks + 1
        edge, slowest = policy.thresholds.emergency, policy.sentinel.interval
        return pause_s(used, rate=self._rate, edge_percent=edge, slowest_s=slowest)

    def _react(self, used: float | None, policy: PolicySpec) -> None:
        limits = policy.thresholds
        if used is None or used < limits.disable:
            return
        self._reactions.pressed()
        if self._last is None or self._last < limits.disable:
            self._reactions.early("memory crossed the disable threshold")
        if used >= limits.emergency:
            self._reactions.emergency(used)
