"""The sliding window: the last half hour of samples, bounded in count and in age."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from brownout.core.instant import Instant
from brownout.core.sample import Resource, Sample

# A window of 30 min at the fastest useful interval of 1 s is 1800 samples, about 0.5 MB; more never helps a
# forecast that looks at 50, so this bounds memory whatever the policy says.
MOST_SAMPLES = 1800

Point = tuple[Instant, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Samples in order of time, oldest first. `span_s` is how far back it reaches, `capacity` how many it holds."""

    span_s: float = 1800.0
    capacity: int = 60
    samples: tuple[Sample, ...] = ()

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self.samples[-1] if self.samples else None

    def add(self, sample: Sample) -> "Window":
        """The window with one more sample; one that is not newer than the latest is left out (time never runs back)."""
        if self.latest is not None and sample.at <= self.latest.at:
            return self
        kept = [old for old in self.samples if old.at > sample.at - self.span_s]
        return self._with((*kept, sample))

    def filled(self, samples: Iterable[Sample], *, now: Instant) -> "Window":
        """The window after reading history again: in order, nothing from the future, nothing too old."""
        usable = {sample.at: sample for sample in samples if now - self.span_s < sample.at <= now}
        return self._with(tuple(usable[at] for at in sorted(usable)))

    def resized(self, *, span_s: float, interval_s: float) -> "Window":
        """The window under another policy; what no longer fits falls out at the old end."""
        capacity = max(2, min(MOST_SAMPLES, round(span_s / interval_s)))
        if (span_s, capacity) == (self.span_s, self.capacity):
            return self
        return Window(span_s=span_s, capacity=capacity, samples=self.samples[-capacity:])

    def points(self, resource: Resource, *, since: Instant = 0.0) -> tuple[Point, ...]:
        """(instant, percent) of one resource where it is known."""
        return self._points(lambda sample: sample.percent(resource), since)

    def base_points(self, *, since: Instant = 0.0) -> tuple[Point, ...]:
        """(instant, percent) of the memory that is not our integrations' own."""
        return self._points(lambda sample: sample.base_percent, since)

    def unbroken_since(self, *, longest_gap_s: float) -> Instant:
        """When the newest run of samples without a gap begins (a suspended machine leaves gaps); 0 when empty."""
        start = self.samples[-1].at if self.samples else 0.0
        for sample in reversed(self.samples):
            if start - sample.at > longest_gap_s:
                break
            start = sample.at
        return start

    def _points(self, value_of: Callable[[Sample], float | None], since: Instant) -> tuple[Point, ...]:
        pairs = ((sample.at, value_of(sample)) for sample in self.samples if sample.at >= since)
        return tuple((at, value) for at, value in pairs if value is not None)

    def _with(self, samples: tuple[Sample, ...]) -> "Window":
        return Window(span_s=self.span_s, capacity=self.capacity, samples=samples[-self.capacity :])
