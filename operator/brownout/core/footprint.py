"""Footprints: the memory that an integration really takes at a rung.

A footprint is learned from what was measured and can fall again: a learned size that only grows ends in a
deadlock where nothing ever fits (VPA 9521). Until there is a measurement the owner's first guess stands, and
where there is none the footprint is unknown, which is not the same as small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import ClassVar

from brownout.core.measurements import Measured, quantile


class Source(StrEnum):
    """Where a footprint comes from."""

    MEASURED = "measured"
    LEARNED = "learned"  # from what came back when it went; nothing measures it while it runs
    FIRST_GUESS = "spec"
    UNKNOWN = "unknown"


_UNKNOWN = Source.UNKNOWN  # asked for thousands of times in a decision; see UP in member.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes at rest and at the highest (mostly the start). Both are 0 where nothing is known.

    `drift_bytes_per_s` is how fast it grows on this rung since its last start, and negative where it shrinks.
    """

    steady_bytes: int
    peak_bytes: int
    source: Source
    drift_bytes_per_s: float = 0.0

    NOTHING: ClassVar["Footprint"]
    UNKNOWN: ClassVar["Footprint"]

    @property
    def known(self) -> bool:
        """Whether arithmetic with it means anything."""
        return self.source is not _UNKNOWN


Footprint.NOTHING = Footprint(steady_bytes=0, peak_bytes=0, source=Source.MEASURED)
Footprint.UNKNOWN = Footprint(steady_bytes=0, peak_bytes=0, source=Source.UNKNOWN)

# What was learned from memory that came back is kept for so many steps. Their median stands: one step whose memory came
# back late, or in whose time the load moved, does not ruin it, and four of another size change it.
LEARNT = 8
# After so many steps they take the place of the owner's guess, which may be too large for ever.
TRUSTED = 3


def estimate(measured: Measured, *, learned: Sequence[int] = (), guess_bytes: int | None = None) -> Footprint:
    """The footprint after these measurements, or after what was learned, or the owner's guess, or unknown.

    Steady is the 95th percentile of what was measured at rest, peak that of the last starts, where it is more; before
    it was ever seen at rest a start's highest stands for both. What was only learned may have come back late, so that a
    return reckons with more than the median of it, and until it was learned three times with the owner's guess.
    """
    highest = quantile(measured.peaks) if measured.peaks else 0
    if measured.steady or measured.peaks:
        steady = quantile(measured.steady) if measured.steady else highest
        return Footprint(
            steady_bytes=steady,
            peak_bytes=max(steady, highest),
            source=Source.MEASURED,
            drift_bytes_per_s=measured.drift_bytes_per_s,
        )
    if learned:
        return _learned(sorted(learned[-LEARNT:]), guess_bytes)
    if guess_bytes is not None:
        return Footprint(steady_bytes=guess_bytes, peak_bytes=guess_bytes, source=Source.FIRST_GUESS)
    return Footprint.UNKNOWN


def _learned(sizes: Sequence[int], guess_bytes: int | None) -> Footprint:
    """The footprint after steps that freed so much, smallest first.

    The load may have fallen in the very time of a step: that looks like a size that fits nowhere, and what does not
    return teaches nothing more. So no single step counts for a return: of three or more the second largest does, of
    fewer the owner's guess, or the smaller one where there is no guess.
    """
    middle = round(median(sizes))
    if len(sizes) >= TRUSTED:
        return Footprint(steady_bytes=middle, peak_bytes=max(middle, sizes[-2]), source=Source.LEARNED)
    if guess_bytes is None:
        return Footprint(steady_bytes=sizes[0], peak_bytes=sizes[0], source=Source.LEARNED)
    return Footprint(steady_bytes=min(middle, guess_bytes), peak_bytes=guess_bytes, source=Source.LEARNED)
