"""Comparison: would another policy have been better on the same history, and is the difference more than chance?

Both policies met the same load with the same noise, so hour by hour their costs are a pair. What follows from the
differences of the hours is told by a moving block bootstrap (Kuensch 1989, "The jackknife and the bootstrap for general
stationary observations"): blocks of hours in a row are drawn again and again, because hours that follow each other
resemble each other. The more they do, the longer the blocks (Carlstein 1986), whole days from two weeks on; and as few
blocks know little of how much they vary, the interval is widened as Student's is, by the number of blocks.

Where several policies are held against the live one, the best of them looks better than it is: of six that are all the
same, one was told apart by luck in 35 of 100 made-up comparisons. So each of m intervals is drawn for a confidence of
1 - 0.1 / m (Bonferroni's inequality; Dunn 1961, "Multiple comparisons among means"), and with 90 % confidence all of
them hold at once: 5 of 100. Holm's procedure (1979, "A simple sequentially rejective multiple test procedure") would
find a little more, but it has verdicts only: no intervals belong to it that people could be shown.

Measured on made-up hours of two policies that cost the same: of the 90 % intervals 87 to 93 % hold nothing where hours
are independent, 83 to 87 % where they are correlated by 0.5, and by 0.8 from 70 % (a day) to 85 % (17 days).
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise
from statistics import NormalDist, fmean

from brownout.core.linear import student_quantile
from brownout.simulate.loop import Record
from brownout.simulate.report import LEAST_J
from brownout.simulate.tally import Run, run_of
from brownout.simulate.traces import TICKS_AN_HOUR

HOURS_A_DAY = 24
LEAST_HOURS = 24
DAILY_FROM_HOURS = 14 * HOURS_A_DAY
CONFIDENCE_PERCENT = 90.0
RESAMPLES = 2000
LEAST_BLOCKS, MOST_ALIKE = 4, 0.95


class Verdict(StrEnum):
    """What can be said of another policy beside the live one."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no-difference"  # none that can be told from chance
    TOO_SHORT = "too-short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure and the interval in which its true value lies with 90 % confidence."""

    value: float
    lower: float
    upper: float


NOTHING = Change(value=0.0, lower=0.0, upper=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A policy beside the live one. `j_change` is its cost of a day less the live one's; `share` the same over the live
    one's, None where that is nothing. `served_h`, `minutes_80`, `minutes_95` and `flips` are more (or less) per day.
    `among` policies were held against the live one, and the intervals of all of them hold at once.
    """

    policy: str
    live: str
    verdict: Verdict
    hours: float
    j: float
    j_live: float
    j_change: Change
    share: Change | None
    served_h: Mapping[str, float]
    minutes_80: float
    minutes_95: float
    flips: float
    among: int = 1


def compare(live: Record, other: Record, *, seed: int = 0, among: int = 1) -> Comparison:
    """The comparison of two records of one base load on one plant, as one of so many."""
    return compare_runs(run_of(live), run_of(other), seed=seed, among=among)


def compare_runs(live: Run, other: Run, *, seed: int = 0, among: int = 1) -> Comparison:
    """The comparison of two runs of one base load on one plant, as long as each other; as one of so many."""
    was, now, days = live.whole, other.whole, max(live.days, 1.0 / HOURS_A_DAY / TICKS_AN_HOUR)
    hourly = [[hour.cost for hour in run.hours] for run in (live, other)]
    change, share = _changes(hourly[0], hourly[1], seed=seed, among=among) if live.hours else (NOTHING, None)
    hours = was.ticks / TICKS_AN_HOUR
    more = zip(live.names, was.served_min, now.served_min, strict=True)
    return Comparison(
        policy=other.policy,
        live=live.policy,
        verdict=_verdict(hours, change),
        hours=hours,
        j=now.cost / days,
        j_live=was.cost / days,
        j_change=change,
        share=share,
        served_h={name: (theirs - mine) / 60.0 / days for name, mine, theirs in more},
        minutes_80=(now.minutes_80 - was.minutes_80) / days,
        minutes_95=(now.minutes_95 - was.minutes_95) / days,
        flips=(now.flips - was.flips) / days,
        among=among,
    )


def block_hours(differences: Sequence[float]) -> int:
    """How many hours in a row are drawn together: n^(1/3) (2r / (1 - r^2))^(2/3) for hours that are correlated by r.

    At least n^(1/3), and at most a fourth of them all, so that there are four blocks to vary.
    """
    count, alike = len(differences), _autocorrelation(differences)
    length = math.cbrt(count) * max(1.0, math.cbrt((2.0 * alike / (1.0 - alike * alike)) ** 2))
    least = HOURS_A_DAY if count >= DAILY_FROM_HOURS else 1
    return max(1, min(max(least, round(length)), count // LEAST_BLOCKS))


def _autocorrelation(values: Sequence[float]) -> float:
    """How much an hour tells of the next one: 0 to 0.95; 0 where nothing varies."""
    mean = fmean(values)
    away = [value - mean for value in values]
    spread = sum(each * each for each in away)
    together = sum(before * after for before, after in pairwise(away))
    return min(MOST_ALIKE, max(0.0, together / spread)) if spread > 0.0 else 0.0


def _verdict(hours: float, change: Change) -> Verdict:
    if hours < LEAST_HOURS:
        return Verdict.TOO_SHORT
    if change.upper < 0.0:
        return Verdict.BETTER
    return Verdict.WORSE if change.lower > 0.0 else Verdict.NO_DIFFERENCE


def _changes(live: Sequence[float], other: Sequence[float], *, seed: int, among: int) -> tuple[Change, Change | None]:
    """The change of a day's cost, and its share of the live one's."""
    differences = [now - was for was, now in zip(live, other, strict=True)]
    length = block_hours(differences)
    band = _band(len(live) // length, among)
    drawn = _resampled((differences, live), length, seed=seed)
    days = len(live) / HOURS_A_DAY
    change = band.about(sum(differences) / days, [change / days for change, _ in drawn])
    if sum(live) / days < LEAST_J:
        return change, None
    shares = [change / max(cost, LEAST_J) for change, cost in drawn]
    return change, band.about(sum(differences) / sum(live), shares)


def _resampled(series: tuple[Sequence[float], Sequence[float]], length: int, *, seed: int) -> list[tuple[float, float]]:
    """The sums of both series over hours that are drawn in blocks, the same hours of both."""
    count = len(series[0])
    chance = random.Random(f"compare:{seed}")  # noqa: S311 - a model, not a secret
    first, second = ([0.0, *accumulate(each)] for each in series)
    drawn = []
    for _ in range(RESAMPLES):
        blocks = [(start, start + length) for start in _starts(chance, count, length)]
        # The last block is cut, so that as many hours are drawn as there are.
        blocks[-1] = blocks[-1][0], blocks[-1][0] + (count - length * (len(blocks) - 1))
        drawn.append(tuple(sum(total[end] - total[start] for start, end in blocks) for total in (first, second)))
    return [(change, cost) for change, cost in drawn]


def _starts(chance: random.Random, count: int, length: int) -> list[int]:
    return [chance.randint(0, count - length) for _ in range(-(-count // length))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """How much of what is drawn lies outside at each end, and how much wider few blocks make what is left."""

    outside: float
    wider: float

    def about(self, value: float, drawn: Sequence[float]) -> Change:
        """The percentiles of what was drawn, widened about the value; they hold it, however skewed that is."""
        ordered = sorted(drawn)
        last = int(self.outside * (len(ordered) - 1))
        low, high = ordered[last], ordered[-1 - last]
        lower, upper = (value + self.wider * (bound - value) for bound in (low, high))
        return Change(value=value, lower=min(value, lower), upper=max(value, upper))


def _band(blocks: int, among: int) -> _Band:
    """For one of so many intervals, of which all have to hold."""
    outside = (1.0 - CONFIDENCE_PERCENT / 100.0) / 2.0 / among
    usual = NormalDist().inv_cdf(1.0 - outside)
    student = student_quantile(100.0 * (1.0 - 2.0 * outside), max(2, blocks - 1))
    return _Band(outside=outside, wider=student / usual)
