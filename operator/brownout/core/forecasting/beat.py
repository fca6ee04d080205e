"""Beats: a load that bends on the clock and goes on straight in between.

What starts every minute or every five does so, and so does what is measured only that often and joined by lines.
Errors of forecasts know nothing of it: they are those of the bends, small for most of the way and large at each one.
Between two bends the next value is known nearly exactly; where a bend is due nothing is. On 8 real series joined to
30 s a next value over 80 % that all the errors called 95 % sure came true 8 times in 10; the misses lay at bends.
"""

from dataclasses import dataclass, field, replace

from brownout.core.forecasting.path import Spread
from brownout.core.forecasting.residuals import Residuals
from brownout.core.forecasting.signals import Signals
from brownout.core.instant import Instant

# What schedulers and meters are commonly set to.
PERIODS_S = (60.0, 120.0, 300.0, 600.0)
# Points in a period: in one of 2 every other one bends; of one of more than 30 the memory holds too few.
FEWEST, MOST = 2, 30
# Bends look back over about 300 points, 2.5 hours of ticks, as the errors do (see Track).
MEMORY = 300
# Fewer bends than these tell no beat from luck, nor fewer quiet ones what is usual between two of them.
ENOUGH = 200
QUIET_ENOUGH = 60
# The share of all bending that one place of the period has to hold (or two that are neighbours, where the load bends
# between two looks), and below which it is a beat no more. White noise gives two places of four a half.
FOUND, LOST = 0.7, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Every `period` points, at these `places` of it, the load bends."""

    period: int
    places: tuple[int, ...]

    def at(self, index: int) -> bool:
        """Whether the load may bend at this point, so that nothing is known of the next one."""
        return index % self.period in self.places


@dataclass(frozen=True, slots=True, kw_only=True)
class Bends:
    """How far a series with even steps bent at each place of each period, and `between`: what was left of that where
    the beat lets it go straight. `index` numbers the points, also those that were missed; `usual` is the mean size;
    `in_turn` whether the newest three points are there, and bent no more than the beat lets them.
    """

    sizes: tuple[tuple[float, ...], ...]
    index: int = 0
    at: Instant | None = None
    count: int = 0
    usual: float = 0.0
    beat: Beat | None = None
    in_turn: bool = False
    between: Residuals = field(default_factory=Residuals)

    @classmethod
    def blank(cls, step_s: float) -> "Bends":
        """Nothing seen yet of a series with points so far apart."""
        periods = (round(period_s / step_s) for period_s in PERIODS_S if _whole(period_s / step_s))
        return cls(sizes=tuple((0.0,) * period for period in periods if FEWEST <= period <= MOST))

    def after(self, signals: Signals, *, step_s: float) -> "Bends":
        """With one more point, the newest of the signals."""
        passed = 1 if self.at is None else max(1, round((signals.at - self.at) / step_s))
        index, bend = self.index + passed, _bend(signals, step_s)
        bent = replace(self, in_turn=False) if bend is None else self._bent(bend, index - 1)
        return replace(bent, index=index, at=signals.at)

    def ahead(self, signals: Signals) -> Spread | None:
        """What the next value may be; None where there is no beat, the load was missed or has just bent out of turn, or
        the newest point is one at which it may bend.
        """
        if self.beat is None or not self.in_turn or self.between.count < QUIET_ENOUGH:
            return None
        if self.beat.at(self.index) or self._often(self.beat, self.index):
            return None
        return Spread(steps=1, value=2.0 * signals.value - signals.ago(1), residuals=self.between)

    def _bent(self, bend: float, place: int) -> "Bends":
        """With a bend at one point."""
        count = self.count + 1
        usual = self.usual + (abs(bend) - self.usual) / min(count, MEMORY)
        sizes = tuple([_faded(row, place, min(abs(bend), 2.0 * len(row) * usual)) for row in self.sizes])
        beat = _still(self.beat, sizes) or (_found(sizes) if count >= ENOUGH else None)
        between = self.between if beat == self.beat else Residuals()
        if beat is not None and not beat.at(place):
            between = between.add(bend)
        # A program that starts adds 6 points once, in a single step: without this, 6 more would be foretold.
        in_turn = beat is not None and (beat.at(place) or abs(bend) <= usual)
        return replace(self, sizes=sizes, count=count, usual=usual, beat=beat, in_turn=in_turn, between=between)

    def _often(self, beat: Beat, index: int) -> bool:
        """Whether a place has more than an even share of all bending, though it is none of the beat's.

        What dips for one step bends at three places. One bend in 19 is less than the band leaves out: all the others
        would vouch that the way back up goes on.
        """
        return _share(_row(self.sizes, beat), (index % beat.period,)) > 1.0 / beat.period


def _whole(ratio: float) -> bool:
    return abs(ratio - round(ratio)) < 0.01


def _bend(signals: Signals, step_s: float) -> float | None:
    """How far the newest point lies from where the two before it pointed; None where one is missing."""
    if len(signals.points) < 3 or round((signals.at - signals.points[-3][0]) / step_s) != 2:
        return None
    return signals.value - 2.0 * signals.ago(1) + signals.ago(2)


def _faded(row: tuple[float, ...], index: int, size: float) -> tuple[float, ...]:
    """The sizes at each place with one more, the older ones counting less."""
    here, keep = index % len(row), 1.0 - 1.0 / MEMORY
    return tuple([keep * old + (size if place == here else 0.0) for place, old in enumerate(row)])


def _still(beat: Beat | None, sizes: tuple[tuple[float, ...], ...]) -> Beat | None:
    """The beat, as long as it holds."""
    if beat is None:
        return None
    return beat if _share(_row(sizes, beat), beat.places) >= LOST else None


def _row(sizes: tuple[tuple[float, ...], ...], beat: Beat) -> tuple[float, ...]:
    return next(row for row in sizes if len(row) == beat.period)


def _found(sizes: tuple[tuple[float, ...], ...]) -> Beat | None:
    """The longest period with a place, or two neighbours, that hold nearly all of the bending."""
    for row in reversed(sizes):
        for width in (1, 2) if len(row) > 3 else (1,):
            wheres = (tuple((place + more) % len(row) for more in range(width)) for place in range(len(row)))
            places = max(wheres, key=lambda where: _share(row, where))
            if _share(row, places) >= FOUND:
                return Beat(period=len(row), places=places)
    return None


def _share(row: tuple[float, ...], places: tuple[int, ...]) -> float:
    total = sum(row)
    return sum(row[place] for place in places) / total if total > 0.0 else 0.0
