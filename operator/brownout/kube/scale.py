"""The workload `scale`: anything in the Integration's own namespace that has a scale subresource, set to 0 and back.

Only the scale is read and written, always with the resourceVersion it was read at, so that a rival (an autoscaler, a
person) is never overwritten unseen. A number that somebody else chose is respected: it is lowered when memory demands
it, and given back. What is remembered is the engine's (status.replicasBefore); here nothing outlives the process.
Pods are not looked at: the agents measure memory, and a pod ends by its own terminationGracePeriodSeconds, whatever
`stop.grace` says.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from brownout.api.integration import Integration, Level
from brownout.core.errors import HomeUnavailable
from brownout.core.member import Observation, Presence
from brownout.engine.ports import Clock, Outcome, OutcomeStatus
from brownout.kube.client import Api
from brownout.kube.discovery import Discovery
from brownout.kube.refusals import SelfProtection, refusal
from brownout.kube.scales import Scale, Scales
from brownout.kube.waiting import Patience

__all__ = ["ScaleDriver"]

# How often a stop looks whether the pods have gone, and how often a write is tried again where a rival was faster.
_POLL_S: Final = 1.0
_TRIES: Final = 3
_NOBODY_KNOWS: Final = (
    "it stands at 0 by somebody else's hand and nothing says how many replicas it had: "
    "scale it up, or give its best level `config: {replicas: N}`"
)

Fence = Callable[[Integration], Awaitable[bool]]
Choice = Callable[[Scale], int | str]  # a sentence in place of a number: it cannot be done


async def _open(_: Integration) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """What we last set, and how often we have set anything."""

    to: int
    times: int


class ScaleDriver:
    """Drives every Integration of the cluster whose workload is `scale`.

    `fence` is asked before each write whether this controller may still act (its Lease); see lease.py.
    """

    def __init__(
        self,
        api: Api,
        clock: Clock,
        *,
        protection: SelfProtection | None = None,
        fence: Fence = _open,
        poll_s: float = _POLL_S,
    ) -> None:
        self._scales = Scales(api, Discovery(api, clock))
        self._clock = clock
        self._protection = protection or SelfProtection()
        self._fence = fence
        self._poll_s = poll_s
        self._set: dict[str, _Set] = {}  # by key: to tell a rival's hand from ours
        self._stopping: dict[str, Patience] = {}

    async def observe(self, integration: Integration) -> Observation:
        """What its scale says. Missing targets, refusals and an absent API server are observations."""
        if (problem := refusal(integration, self._protection)) is not None:
            return Observation(presence=Presence.MISSING, detail=problem.sentence, resumable=False)
        try:
            scale = await self._scales.read(integration)
        except HomeUnavailable as fault:
            return Observation(presence=Presence.UNKNOWN, detail=str(fault))
        if isinstance(scale, str):
            return Observation(presence=Presence.MISSING, detail=scale, resumable=False)
        return self._seen(integration, scale)

    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:
        """Scale it to what the level says (`config.replicas`), else to what a stop remembered."""
        if (problem := refusal(integration, self._protection)) is not None:
            return Outcome(status=OutcomeStatus.FAILED, detail=problem.sentence)
        return await self._write(
            integration,
            lambda scale: _goal(integration, level, scale.wanted, replicas),
            missing=OutcomeStatus.FAILED,
        )

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Scale it to 0 and wait until its pods are gone, at most `grace_s`. Where it stands at 0, nothing is done."""
        if (problem := refusal(integration, self._protection)) is not None:
            return Outcome(status=OutcomeStatus.FAILED, detail=problem.sentence)
        patience = self._stopping.setdefault(_key(integration), Patience(self._clock))
        patience.shorten(grace_s)
        try:
            # What is not there does not run: for a stop that is as good as done.
            outcome = await self._write(integration, lambda _: 0, missing=OutcomeStatus.DONE)
            return await self._gone(integration, outcome, patience)
        finally:
            if patience.leave():
                self._stopping.pop(_key(integration), None)

    async def forget(self, key: str) -> None:
        """The workload is its owner's and stays as it is; only what we knew of it goes."""
        self._set.pop(key, None)

    async def close(self) -> None:
        """Workloads of a cluster live without us, so there is nothing to end."""

    def _seen(self, integration: Integration, scale: Scale) -> Observation:
        ours = self._set.get(_key(integration), _Set(to=scale.wanted, times=0))
        detail = "" if ours.to == scale.wanted else f"somebody else scaled it from {ours.to} to {scale.wanted}"
        if scale.wanted == 0 and scale.present:
            detail = f"{scale.present} of its pods still end"
        return Observation(
            presence=Presence.RUNNING if scale.wanted else Presence.STOPPED,
            detail=detail,
            # Not the resourceVersion: it changes with each pod that becomes ready, which makes no plan stale.
            identity=f"{scale.uid}:{scale.wanted}:{ours.times}",
            replicas=scale.wanted,
            level=_level_at(integration, scale.wanted),
            resumable=scale.wanted > 0 or _best_level_replicas(integration) is not None,
        )

    async def _write(self, integration: Integration, choose: Choice, *, missing: OutcomeStatus) -> Outcome:
        """Bring the scale to what `choose` makes of it; a rival who is faster is looked at anew."""
        refused = ""
        try:
            for _ in range(_TRIES):
                scale = await self._scales.read(integration)
                if isinstance(scale, str):
                    return Outcome(status=missing, detail=scale)
                goal = choose(scale)
                if isinstance(goal, str) or goal == scale.wanted:
                    return _nothing_to_do(goal)
                if not await self._fence(integration):
                    return Outcome(status=OutcomeStatus.SKIPPED, detail="another controller holds the lease")
                refused = await self._scales.write(integration, scale, goal)
                if not refused:
                    self._note(integration, goal)
                    return _done(scale.wanted, goal)
        except HomeUnavailable as fault:
            refused = str(fault)
        return Outcome(status=OutcomeStatus.FAILED, detail=refused)

    def _note(self, integration: Integration, goal: int) -> None:
        before = self._set.get(_key(integration))
        self._set[_key(integration)] = _Set(to=goal, times=before.times + 1 if before else 1)

    async def _gone(self, integration: Integration, outcome: Outcome, patience: Patience) -> Outcome:
        """Wait for the pods. A workload that is missing has none; one that was at 0 may still have some."""
        if outcome.status is not OutcomeStatus.DONE:
            return outcome
        while (left := await self._left(integration)) and patience.left_s > 0:
            await patience.pause(self._poll_s)
        if not left:
            return outcome
        # The kubelet ends pods by their own grace; what the API server has accepted will not be lost.
        detail = f"{outcome.detail}; {left} of its pods still end by their own grace period"
        return Outcome(status=outcome.status, detail=detail, replicas_before=outcome.replicas_before)

    async def _left(self, integration: Integration) -> int:
        try:
            scale = await self._scales.read(integration)
        except HomeUnavailable:
            return 0  # nobody to ask: the zero was accepted
        return 0 if isinstance(scale, str) else scale.present


def _nothing_to_do(goal: int | str) -> Outcome:
    if isinstance(goal, str):
        return Outcome(status=OutcomeStatus.FAILED, detail=goal)
    return Outcome(status=OutcomeStatus.DONE, detail=f"it stands at {goal} already")


def _done(before: int, goal: int) -> Outcome:
    # Remembered on the way down only: on the way up `before` is our own lower number.
    return Outcome(
        status=OutcomeStatus.DONE,
        detail=f"scaled from {before} to {goal}",
        replicas_before=before if before > goal else None,
    )


def _key(integration: Integration) -> str:
    return f"{integration.metadata.namespace}/{integration.metadata.name}"


def _goal(integration: Integration, level: Level | None, wanted: int, remembered: int | None) -> int | str:
    """How many replicas a level means, as things stand; a sentence where nobody can tell."""
    named = level_replicas(level)
    goal = remembered if named is None else named
    if goal is None:
        return wanted or _NOBODY_KNOWS
    ours = {0, *(level_replicas(one) for one in integration.spec.levels)}
    # A rival's number is lowered to a level when memory demands it; it is never raised, nor replaced by an old one.
    if wanted not in ours and (named is None or goal > wanted):
        return wanted
    return goal


def level_replicas(level: Level | None) -> int | None:
    """The replicas that a level names; None where it names none, or something that is not a number of pods."""
    named: Mapping[str, object] = level.config if level else {}
    replicas = named.get("replicas")
    return replicas if isinstance(replicas, int) and not isinstance(replicas, bool) and replicas > 0 else None


def _level_at(integration: Integration, wanted: int) -> str | None:
    """The one level that means so many replicas; None where none does, or several do."""
    named = [level.name for level in integration.spec.levels if level_replicas(level) == wanted]
    return named[0] if len(named) == 1 else None


def _best_level_replicas(integration: Integration) -> int | None:
    return level_replicas(integration.spec.levels[0]) if integration.spec.levels else None
