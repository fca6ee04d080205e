"""The Prober of a box: the check that the spec names, made on this machine."""

import os
from collections.abc import Callable
from pathlib import Path

from brownout.api.integration import Integration
from brownout.core.health import Answer, Checked
from brownout.engine.ports import ProcessTable
from brownout.local.checking.http import HttpChecks
from brownout.local.checking.programs import ProgramChecks
from brownout.local.checking.tcp import check_tcp

__all__ = ["LocalProber"]


class LocalProber:
    """Implements Prober. `state` is the state folder, `directory` the watched one, where relative folders start."""

    def __init__(
        self, state: Path, table: ProcessTable, *, directory: Path, on_fault: Callable[[str, str], None]
    ) -> None:
        place = Path(os.path.realpath(directory))
        self._http = HttpChecks()
        self._programs = ProgramChecks(os.path.realpath(state), table, directory=place, on_fault=on_fault)

    async def check(self, integration: Integration) -> Checked:
        """Make the check once."""
        health = integration.spec.health
        if health.http is not None:
            return await self._http.check(health.http)
        if health.tcp is not None:
            return await check_tcp(health.tcp)
        if health.exec is not None:
            return await self._programs.check(integration)
        return Checked(answer=Answer.BLOCKED, why="its spec names no probe")

    async def close(self) -> None:
        """End every check."""
        self._http.close()
        await self._programs.close()
