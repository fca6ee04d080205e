"""Workloads that a cluster does not carry out, whoever asks.

Whoever may edit an Integration must not thereby run programs on the node, nor start its units: that right is held by
who runs the node, not by who may write to a namespace. So the single box's workloads are refused here, and the
agent's own is too. Plugins are carried out where who runs the agent has given it a folder of them: then only those
run whose hashes are on the list, and no Integration can give them more of the node than they ask for themselves.
"""

from brownout.api.integration import Integration, Level
from brownout.api.problems import Problem
from brownout.api.workload import ScaleWorkload, WorkloadKind
from brownout.core.member import Observation, Presence
from brownout.engine.ports import Outcome, OutcomeStatus

__all__ = ["RefusedWorkloads", "SelfProtection", "refusal"]

_ONLY_ON_A_BOX = (
    "is not carried out in a cluster: who may edit an Integration would command the node; use workload.scale"
)
_NO_FOLDER = "is not carried out by an agent that was given no folder of plugins: start it with --plugins DIR"
_OURSELVES = "is the controller itself, which would not come back"


class SelfProtection:
    """Knows which workload the controller itself runs as, and whether it was given `plugins` to run."""

    def __init__(self, *, namespace: str = "", pod: str = "", plugins: bool = False) -> None:
        self._namespace = namespace
        self._pod = pod
        self.plugins = plugins

    def covers(self, namespace: str, target: ScaleWorkload) -> bool:
        """Whether the target is what runs us: a pod is named after its Deployment, ReplicaSet or StatefulSet."""
        return bool(self._pod) and namespace == self._namespace and self._pod.startswith(f"{target.name}-")


def refusal(integration: Integration, protection: SelfProtection) -> Problem | None:
    """Why this workload is not carried out here; None when it is."""
    workload = integration.spec.workload
    if workload.plugin is not None:
        return None if protection.plugins else _refused(workload.kind, _NO_FOLDER)
    if workload.scale is None:
        return _refused(workload.kind, _ONLY_ON_A_BOX)
    if protection.covers(integration.metadata.namespace, workload.scale):
        return Problem(path="spec.workload.scale.name", value=f'"{workload.scale.name}"', allowed=_OURSELVES)
    return None


def _refused(kind: WorkloadKind, allowed: str) -> Problem:
    return Problem(path=f"spec.workload.{kind}", value='"object"', allowed=allowed)


class RefusedWorkloads:
    """The driver of every kind of workload that is refused: it sees nothing and does nothing, and says why."""

    async def observe(self, integration: Integration) -> Observation:
        """Nothing that could be switched."""
        return Observation(presence=Presence.MISSING, detail=_words(integration.spec.workload.kind), resumable=False)

    # The port's arguments have to be there, though a refusal needs none of them.
    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:  # noqa: ARG002
        """Refused."""
        return Outcome(status=OutcomeStatus.FAILED, detail=_words(integration.spec.workload.kind))

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:  # noqa: ARG002
        """Refused; nothing runs."""
        return Outcome(status=OutcomeStatus.FAILED, detail=_words(integration.spec.workload.kind))

    async def forget(self, key: str) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


def _words(kind: WorkloadKind) -> str:
    return f"workload.{kind} {_ONLY_ON_A_BOX}"
