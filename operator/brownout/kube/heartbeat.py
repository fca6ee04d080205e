"""The heartbeat: the status of the policy `default`, written at the tick's pace and awaited through the watch.

Where there is no such policy, or another agent writes it, nothing of ours is put into the cluster for it: the keeper
lists at the same pace instead. People who look at the policy see figures that are at most a beat old.
"""

from typing import Final

from brownout.api.status import PolicyStatus
from brownout.core.instant import Instant, to_rfc3339
from brownout.kube.declared import RULING_POLICY
from brownout.kube.lease import Lease
from brownout.kube.shelf import Shelf
from brownout.kube.statuses import StatusWriter

__all__ = ["Heartbeat"]

#: As frequent as the tick, but no more: with a tick of 1 s, a write a second would cost etcd 86400 versions a day.
LEAST_S: Final = 5.0
# A tick that comes a moment early must not skip a beat and so halve the rhythm.
_EARLY: Final = 0.9


class Heartbeat:
    """Writes it when it is due, if it is ours to write."""

    def __init__(self, writer: StatusWriter, policies: Shelf, lease: Lease) -> None:
        self._writer = writer
        self._policies = policies
        self._lease = lease
        self._written: Instant | None = None

    @property
    def ours(self) -> bool:
        """Whether there is a policy to write to, and we are the one who writes."""
        return self._lease.held and self._policies.get(RULING_POLICY) is not None

    async def beat(self, status: PolicyStatus, *, interval_s: float, now: Instant) -> bool:
        """Write it if it is due; False where the API server does not take it now."""
        if not self.ours:
            return True
        if self._written is not None and now - self._written < _EARLY * max(LEAST_S, interval_s):
            return True
        beaten = status.model_copy(update={"heartbeat": to_rfc3339(now)})
        if not await self._writer.write(RULING_POLICY, beaten.to_wire()):
            return False
        self._written = now
        return True
