"""The tide of the demo: what everybody else on the machine holds rises and falls, and the budget of the play with it.

A browser that opens a page during the play would otherwise be the load. Only the demo does this: a budget is the
owner's word.
"""

from collections.abc import Iterable
from pathlib import Path

from brownout.api.policy import Scope
from brownout.cli.demo_stage import MIB, write_policy
from brownout.core.errors import HomeUnavailable
from brownout.sensing.memory import MemoryReader, Unreadable
from brownout.sensing.processes import ProcTable

# Less than the play has to spare (50 MiB between what voice frees and what is needed); two looks must agree, since
# memory in use and what our processes hold cannot be read at one instant.
SLACK_BYTES = 40 * MIB


class Tide:
    """Follows the others, and rewrites the policy where they have moved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table = ProcTable()
        self._reader = MemoryReader()
        self.level_bytes = self.used_bytes()
        self._last_bytes = self.level_bytes

    def used_bytes(self) -> int:
        """What is in use on this machine, as the controller reads it. Raises HomeUnavailable."""
        reading = self._reader.read(scope=Scope.NODE, budget_bytes=None)
        if isinstance(reading, Unreadable):
            raise HomeUnavailable(reading.why)
        return reading.used_bytes

    def follow(self, ours: Iterable[int]) -> int:
        """Look once; `ours` are the processes of the play, which counts with all they started. By how much it moved."""
        roots = [found for pid in ours if (found := self._table.identify(pid)) is not None]
        held = self._table.memory_bytes(self._table.tree(roots)) or 0
        before, self._last_bytes = self._last_bytes, self.used_bytes() - held
        moved = self._last_bytes - self.level_bytes
        if abs(moved) < SLACK_BYTES or abs(self._last_bytes - before) > SLACK_BYTES / 2:
            return 0
        self.level_bytes = self._last_bytes
        write_policy(self._folder, used_bytes=self.level_bytes)
        return moved
