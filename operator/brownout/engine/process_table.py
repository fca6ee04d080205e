"""The port for processes. Beside ports.py, because what wraps a single program does without the models of the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """One process, safe against reuse of its pid: `started` is the kernel's start time in clock ticks."""

    pid: int
    started: int


class ProcessTable(Protocol):
    """The processes of this machine. Synchronous and quick; called in a thread by whoever must not block."""

    def identify(self, pid: int) -> ProcessId | None:
        """The full identity of a live pid; None when it is gone or a zombie."""
        ...

    def marked(self, variable: str, value: str) -> Mapping[ProcessId, Mapping[str, str]]:
        """Live processes whose initial environment has `variable` equal to `value`, with those of their
        environment variables whose names begin with BROWNOUT_.
        """
        ...

    def tree(self, roots: Sequence[ProcessId]) -> tuple[ProcessId, ...]:
        """The roots that still live, with all their live descendants and members of their sessions."""
        ...

    def memory_bytes(self, processes: Sequence[ProcessId]) -> int | None:
        """PSS of them all (RSS where PSS cannot be read); None when none could be read."""
        ...
