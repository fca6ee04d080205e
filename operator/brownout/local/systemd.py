"""The driver of systemd units: asks systemd to start and stop them, and never waits for it without a bound.

The units are not ours: systemd supervises them before, during and after us, so nothing is ended when an integration
is no longer declared or when the controller ends. A unit has no levels; it is on or off.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from brownout.api.integration import Integration, Level
from brownout.core.member import Observation, Presence
from brownout.engine.ports import Outcome, OutcomeStatus
from brownout.local.census import OnFault
from brownout.local.systemctl import Systemctl
from brownout.local.unit import PROPERTIES, UnitState, unit_state
from brownout.processes import backoff

__all__ = ["SystemdDriver"]

#: How long a start is watched. A unit that is still activating then is on its way, which is what was asked for.
_START_S: Final = 10.0
#: How long a killed unit may take to leave the kernel.
_KILL_S: Final = 10.0
#: Between two looks at a unit that is changing: soon at first, then calmly.
_LOOK_S: Final = (0.05, 0.1, 0.2, 0.5)
_NOT_A_UNIT: Final = "the workload is not a systemd unit"


@dataclass(frozen=True, slots=True)
class _Failure:
    """A unit that failed: in which run, how often in a row, and until when it rests (on the loop's clock)."""

    run: str
    times: int
    until: float


@dataclass(slots=True, eq=False)
class _Stop:
    """A stop under way, and when its patience ends (on the loop's clock)."""

    deadline: float
    task: "asyncio.Task[Outcome] | None" = None


class SystemdDriver:
    """Implements WorkloadDriver for `workload.systemd`."""

    def __init__(self, on_fault: OnFault, systemctl: str = "systemctl", *, user: bool = False) -> None:
        self._on_fault = on_fault
        self._systemctl = Systemctl(systemctl, user=user)
        self._stops: dict[str, _Stop] = {}
        self._deaf = False
        self._failures: dict[str, _Failure] = {}

    async def observe(self, integration: Integration) -> Observation:
        """What systemd says. A unit that failed rests, longer each time, then counts as stopped, to be started."""
        unit = _unit_of(integration)
        if unit is None:
            return Observation(presence=Presence.MISSING, detail=_NOT_A_UNIT)
        state = await self._look(unit)
        rest_s = self._rest_s(unit, state)
        failed = state.presence is Presence.FAILED
        return Observation(
            presence=Presence.STOPPED if failed and rest_s <= 0 else state.presence,
            detail=f"{state.detail}; next try in {rest_s:.0f} s" if rest_s > 0 else state.detail,
            identity=state.identity,
            memory_bytes=state.memory_bytes,
        )

    async def start(
        self,
        integration: Integration,
        level: Level | None,  # noqa: ARG002  # of the port; a unit has none
        *,
        replicas: int | None = None,  # noqa: ARG002  # likewise
    ) -> Outcome:
        """Start the unit; returns when it is up or on its way."""
        unit = _unit_of(integration)
        if unit is None:
            return _failed(_NOT_A_UNIT)
        state = await self._look(unit)
        if state.presence in (Presence.RUNNING, Presence.STARTING):
            return Outcome(status=OutcomeStatus.DONE, detail="it runs already")
        if state.presence is Presence.FAILED:  # or a start limit that it has hit would refuse the next start
            await self._systemctl.act("reset-failed", unit=unit)
        answer = await self._systemctl.act("start", "--no-block", unit=unit)
        return _failed(answer.failure) if answer.failure else await self._until_up(unit)

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Stop the unit; after `grace_s` kill what is left of it. A second call shortens the wait of the first."""
        unit = _unit_of(integration)
        if unit is None:
            return _failed(_NOT_A_UNIT)
        deadline = asyncio.get_running_loop().time() + grace_s
        stop = self._stops.get(unit) or _Stop(deadline)
        stop.deadline = min(stop.deadline, deadline)
        if stop.task is None:
            self._stops[unit] = stop
            stop.task = asyncio.create_task(self._stop(unit, stop, grace_s), name=f"stop {unit}")
            stop.task.add_done_callback(lambda _: self._stops.pop(unit, None))
        # Shielded: whoever waits may give up waiting, the stop goes on.
        return await asyncio.shield(stop.task)

    async def forget(self, key: str) -> None:
        """Nothing: the unit is its owner's, whether it is declared here or not."""

    async def close(self) -> None:
        """Nothing: systemd goes on looking after its units."""

    async def _look(self, unit: str) -> UnitState:
        properties = await self._systemctl.show(unit, PROPERTIES)
        if isinstance(properties, str):
            if not self._deaf:
                self._on_fault("systemd", properties)
            self._deaf = True
            return UnitState(presence=Presence.UNKNOWN, detail=properties)
        self._deaf = False
        return unit_state(properties)

    async def _until_up(self, unit: str) -> Outcome:
        loop = asyncio.get_running_loop()
        late = loop.time() + _START_S
        state = await self._look(unit)
        looks = 0
        while state.down and state.presence is not Presence.FAILED and loop.time() < late:
            await asyncio.sleep(_pause(looks))
            state, looks = await self._look(unit), looks + 1
        if state.down:
            return _failed(state.detail or f"the unit has not begun to start within {_START_S:g} s")
        return Outcome(status=OutcomeStatus.DONE, detail=state.detail)

    async def _stop(self, unit: str, stop: _Stop, grace_s: float) -> Outcome:
        state = await self._look(unit)
        if state.down:
            return Outcome(status=OutcomeStatus.DONE, detail=state.detail or "it was not running")
        answer = await self._systemctl.act("stop", "--no-block", unit=unit)
        if not answer.failure and await self._until_down(unit, stop):
            return Outcome(status=OutcomeStatus.DONE, detail="stopped")
        # A stop that could not even be asked for is followed by the kill too: memory is what counts.
        killed = await self._systemctl.act("kill", "--kill-who=all", "--signal=SIGKILL", unit=unit)
        last = _Stop(asyncio.get_running_loop().time() + _KILL_S)
        if await self._until_down(unit, last):
            return Outcome(status=OutcomeStatus.DONE, detail=f"did not stop within {grace_s:g} s and was killed")
        return _failed(answer.failure or killed.failure or f"the unit outlived SIGKILL by {_KILL_S:g} s")

    async def _until_down(self, unit: str, stop: _Stop) -> bool:
        """Whether it went down before the deadline, which another call of stop may bring nearer meanwhile."""
        loop = asyncio.get_running_loop()
        looks = 0
        while not (await self._look(unit)).down:
            left_s = stop.deadline - loop.time()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(left_s, _pause(looks)))
            looks += 1
        return True

    def _rest_s(self, unit: str, state: UnitState) -> float:
        """How long a failed unit has still to rest; 0 or less: it may be tried again."""
        now = asyncio.get_running_loop().time()
        known = self._failures.get(unit)
        if state.presence is not Presence.FAILED:
            if known is not None and now > known.until + backoff.HEALTHY_AFTER_S:
                del self._failures[unit]
            return 0.0
        if known is None or known.run != state.identity:
            times = known.times + 1 if known else 1
            known = self._failures[unit] = _Failure(state.identity, times, now + backoff.delay_s(times))
        return known.until - now


def _unit_of(integration: Integration) -> str | None:
    systemd = integration.spec.workload.systemd
    return systemd.unit if systemd else None


def _failed(why: str) -> Outcome:
    return Outcome(status=OutcomeStatus.FAILED, detail=why)


def _pause(looks: int) -> float:
    return _LOOK_S[min(looks, len(_LOOK_S) - 1)]
