"""The ports of health checks: who can say whether an integration works, and whoever says it where nobody can."""

from typing import Protocol, runtime_checkable

from brownout.api.integration import Integration
from brownout.core.health import Answer, Checked

__all__ = ["HealthSource", "NoProber", "Prober"]


class Prober(Protocol):
    """Makes the check that `spec.health` names: http, tcp or exec. Calls for different integrations run side by side.

    It bounds what it reads, not how long it takes: at the timeout it is cancelled, and must leave nothing behind.
    """

    async def check(self, integration: Integration) -> Checked:
        """Check it once. What fails is a value, and so is a check that could not be made."""
        ...

    async def close(self) -> None:
        """The controller ends: leave nothing running."""
        ...


@runtime_checkable
class HealthSource(Protocol):
    """A WorkloadDriver that can also say whether its workload works, where the spec names no probe.

    Of a plugin it is the plugin's own health_check; of a program, whether its process lives.
    """

    async def check(self, integration: Integration) -> Checked:
        """Whether it works now. Cancelled at the timeout, and must then leave nothing behind."""
        ...


class NoProber:
    """A Prober for a home in which no probe can reach a workload."""

    async def check(self, integration: Integration) -> Checked:
        """Nothing is known."""
        del integration
        return Checked(answer=Answer.BLOCKED, why="in this home nothing is checked by port or by program")

    async def close(self) -> None:
        """Nothing runs."""
