"""Footprints: the memory that an integration really takes at a rung.

A footprint is learned from what was measured and can fall again: a learned size that only grows ends in a
deadlock where nothing ever fits (VPA 9521). Until there is a measurement the owner's first guess stands, and
where there is none the footprint is unknown, which is not the same as small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Source(StrEnum):
    """Where a footprint comes from."""

    MEASURED = "measured"
    LEARNED = "learned"  # from what came back when it went; nothing measures it while it runs
    FIRST_GUESS = "spec"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes at rest and at the highest (mostly the start). Both are 0 where nothing is known."""

    steady_bytes: int
    peak_bytes: int
    source: Source

    NOTHING: ClassVar["Footprint"]
    UNKNOWN: ClassVar["Footprint"]

    @property
    def known(self) -> bool:
        """Whether arithmetic with it means anything."""
        return self.source is not Source.UNKNOWN


Footprint.NOTHING = Footprint(steady_bytes=0, peak_bytes=0, source=Source.MEASURED)
Footprint.UNKNOWN = Footprint(steady_bytes=0, peak_bytes=0, source=Source.UNKNOWN)

# Measurements kept for each rung: at a tick every 30 s, 60 of them are half an hour. The p95 of 60 is the fourth
# largest, so three one-off peaks do not move it; of fewer than 20 it is the largest.
KEPT = 60
QUANTILE = 0.95


def estimate(measured: Sequence[int], *, learned_bytes: int | None, guess_bytes: int | None) -> Footprint:
    """The footprint after these measurements (oldest first), or what was learned, or the owner's guess, or unknown.

    Steady is the 95th percentile (nearest rank) of the last 60; peak is their maximum. What was only learned from
    memory that came back may have come back late, so a return still reckons with the owner's guess if that is more.
    """
    if measured:
        recent = sorted(measured[-KEPT:])
        rank = max(1, math.ceil(QUANTILE * len(recent)))
        return Footprint(steady_bytes=recent[rank - 1], peak_bytes=recent[-1], source=Source.MEASURED)
    if learned_bytes is not None:
        peak = max(learned_bytes, guess_bytes or 0)
        return Footprint(steady_bytes=learned_bytes, peak_bytes=peak, source=Source.LEARNED)
    if guess_bytes is not None:
        return Footprint(steady_bytes=guess_bytes, peak_bytes=guess_bytes, source=Source.FIRST_GUESS)
    return Footprint.UNKNOWN
