"""How long a run has been open: the time in which at least one process had it open, each second once.

Every process that has a run open (a session of it) covers the time from when it opened to its last durable sign of
life: a record, a checkpoint, a look. What the run has elapsed is the measure of the union of these spans. So the time
of a process that was killed counts up to its last sign of life, the time until somebody resumes does not count, and
eight processes at once do not count eightfold.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from brownout.core.instant import Instant

MOST_SPANS = 64


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From an instant to a later one."""

    start: Instant
    end: Instant


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time in spans that do not touch, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        elif span.end > span.start:
            found.append(span)
    return tuple(found)


def covered_s(spans: Iterable[Span]) -> float:
    """Seconds that are in at least one of them."""
    return sum(span.end - span.start for span in merged(spans))


def folded(spans: Iterable[Span], most: int = MOST_SPANS) -> tuple[Span, ...]:
    """The same number of seconds in `most` spans at most: the oldest gaps, of a run that crashed often, are closed up.

    The oldest spans become one that ends where the last of them did; its length is theirs together.
    """
    found = merged(spans)
    if len(found) <= most:
        return found
    oldest, rest = found[: len(found) - most + 1], found[len(found) - most + 1 :]
    return (Span(oldest[-1].end - covered_s(oldest), oldest[-1].end), *rest)
