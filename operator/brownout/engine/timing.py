"""How long the parts of a tick take: each is named once, and the name is the label of the metric."""

from collections.abc import Iterator
from contextlib import contextmanager

from brownout.engine.ports import Clock


class Stopwatch:
    """Durations by part, in seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.durations_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Time one part."""
        started = self._clock.now()
        try:
            yield
        finally:
            self.durations_s[part] = self._clock.now() - started
