"""The hardware of a machine that nobody can look at: nothing of it is known, so that no tier matches it."""

from brownout.api.policy import Scope
from brownout.core.tiers import Hardware


class UnknownHardware:
    """A HardwareSensor without a machine."""

    def known(self, *, scope: Scope, budget_bytes: int | None) -> Hardware:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return Hardware()

    async def refresh(self) -> None:
        """There is nothing to look at."""
