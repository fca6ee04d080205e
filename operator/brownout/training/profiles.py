"""The profile of the day, its share, and its peaks: from whole days of history, without a library."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from brownout.core.forecasting.daily import QUARTER_S, QUARTERS, Profile, rise
from brownout.core.forecasting.peak import WORTH_PERCENT, peak_at
from brownout.core.instant import Instant
from brownout.core.window import Point

DAY_S: Final = 86400.0
#: Of fewer days nothing is said: one alone is no habit. The history must be a day longer, to tell what it is worth.
LEAST_DAYS: Final = 2
#: A day, and the profile, must be known for half of the quarter-hours at least: a machine may be off at night.
LEAST_QUARTERS: Final = QUARTERS // 2


def profile_of(points: Sequence[Point]) -> Profile | None:
    """For each quarter-hour the median, over the days, of how far the load lay above its day's median; None where too
    few days are known. What is not known of the day lies between its neighbours.
    """
    days = [day for day in _by_day(points).values() if len({_quarter(at) for at, _ in day}) >= LEAST_QUARTERS]
    if len(days) < LEAST_DAYS:
        return None
    away: dict[int, list[float]] = defaultdict(list)
    for day in days:
        middle = median(value for _, value in day)
        for at, value in day:
            away[_quarter(at)].append(value - middle)
    return _closed({quarter: median(values) for quarter, values in away.items()})


def share_of(profile: Profile, points: Sequence[Point], *, ahead_s: float) -> float:
    """Which share of the profile's rise made the smallest errors at a distance, 0 to 1.

    The sum of |change - share * rise| is smallest at the median of change / rise, each weighed by |rise|.
    """
    ratios = []
    for at, value, later in _pairs(points, ahead_s):
        rises = rise(profile, at, ahead_s)
        if abs(rises) > 1e-9:
            ratios.append(((later - value) / rises, abs(rises)))
    return min(1.0, max(0.0, _weighted_median(sorted(ratios))))


def peaks_of(profile: Profile, shrink: float, points: Sequence[Point]) -> Iterator[tuple[float, float, float]]:
    """At each point with a peak ahead whose time has come: what was foretold of it, the last value, and the truth."""
    instants = [at for at, _ in points]
    for now, value in points:
        at = peak_at(profile, now)
        rises, truth = shrink * rise(profile, now, at - now), _value_at(points, instants, at)
        if rises >= WORTH_PERCENT and truth is not None:
            yield value + rises, value, truth


def _by_day(points: Sequence[Point]) -> Mapping[int, list[Point]]:
    days: dict[int, list[Point]] = defaultdict(list)
    for at, value in points:
        days[int(at // DAY_S)].append((at, value))
    return days


def _quarter(at: Instant) -> int:
    return int(at % DAY_S // QUARTER_S)


def _closed(known: Mapping[int, float]) -> Profile | None:
    """The whole day, midnight joined to midnight."""
    if len(known) < LEAST_QUARTERS:
        return None
    places = sorted(known)
    first, last = places[0], places[-1]
    around = [(last - QUARTERS, known[last]), *sorted(known.items()), (first + QUARTERS, known[first])]
    return tuple(_between(around, quarter) for quarter in range(QUARTERS))


def _between(known: Sequence[tuple[int, float]], place: int) -> float:
    after = bisect_left(known, (place, float("-inf")))
    (left, low), (right, high) = known[after - 1], known[after]
    return low + (high - low) * (place - left) / (right - left)


def _pairs(points: Sequence[Point], ahead_s: float) -> Iterator[tuple[Instant, float, float]]:
    instants = [at for at, _ in points]
    for at, value in points:
        later = _value_at(points, instants, at + ahead_s)
        if later is not None:
            yield at, value, later


def _value_at(points: Sequence[Point], instants: Sequence[Instant], at: Instant) -> float | None:
    """The first value at or after an instant, if it is of the same quarter of a quarter-hour."""
    place = bisect_left(instants, at)
    if place == len(points) or instants[place] - at > QUARTER_S / 4.0:
        return None
    return points[place][1]


def _weighted_median(pairs: Sequence[tuple[float, float]]) -> float:
    """The value below which half of the weight lies; 0 of nothing."""
    half, below = sum(weight for _, weight in pairs) / 2.0, 0.0
    for value, weight in pairs:
        below += weight
        if below >= half:
            return value
    return 0.0
