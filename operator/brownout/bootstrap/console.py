"""The live table of `brownout run` in a terminal: printed again whenever a status has changed, on standard output.

Plain text without rich: the controller stays small. The sentences come from the log beside it.
"""

import sys
from collections.abc import Callable, Mapping

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus
from brownout.core.instant import Instant
from brownout.core.table import integration_table
from brownout.engine.ports import StepDetails, TickDetails


class ConsoleObserver:
    """Prints the table of all integrations after each tick that changed what people see in it."""

    def __init__(self, integrations: Callable[[], tuple[Integration, ...]], now: Callable[[], Instant]) -> None:
        self._integrations = integrations
        self._now = now
        self._shown: Mapping[str, tuple[object, ...]] = {}

    def on_tick(self, details: TickDetails) -> None:
        """Print when a state, level or reason is another than before."""
        seen = {key: _visible(status) for key, status in details.statuses.items()}
        if seen == self._shown:
            return
        self._shown = seen
        table = integration_table(self._integrations(), now=self._now())
        sys.stdout.write(f"\n{table}\n")
        sys.stdout.flush()

    def on_step(self, details: StepDetails) -> None:
        """Steps are in the log."""

    def on_fault(self, where: str, message: str) -> None:
        """Faults are in the log."""


def _visible(status: IntegrationStatus) -> tuple[object, ...]:
    return status.state, status.level, status.reason
