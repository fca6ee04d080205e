"""The goal table: how good forecasts and decisions are, beside the rivals, over every series that there is.

`python -m tests.bench goals` takes about ten minutes on two cores. Ratios are geometric means over the series of one
split; each figure has a floor, below which the product is not done, and a goal.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import fmean

from brownout.api.policy import PolicySpec
from brownout.simulate.contest import contest
from brownout.simulate.forecasts import LIVE, forecast_rows
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import Plant
from brownout.simulate.report import Row, row_of, summaries, table
from brownout.simulate.score import score
from brownout.simulate.traces import Mode
from tests.bench.report import Figure
from tests.bench.series import Series, Split, series, source

PRICES = {"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}}
POLICIES = {
    "thresholds": PolicySpec(),
    "thresholds-no-vote": PolicySpec.model_validate({"forecast": {"model": "Off"}}),
    "when-it-fits": PolicySpec.model_validate({"restore": {"strategy": "WhenItFits"}}),
    "expected-cost": PolicySpec.model_validate(PRICES),
}
PLAIN, ORACLE = "plain-regression", "oracle"
WRONG = {"guessed 0.7": 0.7, "guessed 1.3": 1.3}


@dataclass(frozen=True, slots=True)
class Bound:
    """A floor and a goal, both upper bounds."""

    floor: float
    goal: float


# name: (policy, what it is held against, bounds in native and in interp mode)
RATIOS = {
    "J of expected-cost over plain regression's": ("expected-cost", PLAIN, Bound(0.75, 0.60), Bound(0.75, 0.60)),
    "J of expected-cost over the oracle's": ("expected-cost", ORACLE, Bound(1.55, 1.25), Bound(1.55, 1.25)),
    "J of thresholds over plain regression's": ("thresholds", PLAIN, Bound(1.00, 0.80), Bound(0.70, 0.65)),
    "J of thresholds over no vote": ("thresholds", "thresholds-no-vote", Bound(1.00, 0.95), Bound(1.00, 0.95)),
}
FLIPS = {Mode.NATIVE: Bound(0.35, 0.15), Mode.INTERP: Bound(0.75, 0.45)}
ERRORS = {Mode.NATIVE: Bound(0.88, 0.78), Mode.INTERP: Bound(0.92, 0.82)}


@dataclass(frozen=True, slots=True)
class Judged:
    """One series: its rows, the live forecast's error over last-value's, its coverage, and J with wrong guesses."""

    name: str
    split: Split
    mode: Mode
    rows: tuple[Row, ...]
    mase: float | None
    coverage: float | None
    wrong: tuple[float, ...]


def figures() -> Iterator[Figure]:
    """Score every series on both cores, show the contest, and give the figures."""
    with get_context("spawn").Pool(2) as pool:
        judged = pool.map(_judge, list(series()), chunksize=1)
    for split in Split:
        mine = [one for one in judged if one.split is split]
        rows = [row for one in mine for row in one.rows]
        sys.stdout.write(f"\n{split.value} series, {source()}: {_names(mine)}\n{table(summaries(rows))}\n")
        for mode in Mode:
            yield from _figures([one for one in mine if one.mode is mode], split, mode)
    sys.stdout.write("\n")


def _judge(one: Series) -> Judged:
    plant = Plant()
    rows = tuple(row_of(record) for record in contest(plant, one.base, POLICIES))
    live = next(row for row in forecast_rows(one.base) if row.model == LIVE)
    right = _unmeasured(one, plant, 1.0)
    wrong = tuple(_unmeasured(one, plant, guessed) / max(1.0, right) for guessed in WRONG.values())
    return Judged(one.base.name, one.split, one.base.mode, rows, live.mase, live.coverage_90, wrong)


def _unmeasured(one: Series, plant: Plant, guessed: float) -> float:
    """J of the best policy where nobody measures a workload and the owner's guesses are off by a factor."""
    ours = Ours("guessed", POLICIES["expected-cost"], integrations_of(plant.things, guessed=guessed), measured=False)
    ours.warm_up(one.base.past, plant.things)
    return score(run(plant, one.base, ours)).j


def _figures(judged: Sequence[Judged], split: Split, mode: Mode) -> Iterator[Figure]:
    where = f"{mode.value}, {split.value}"
    if not judged:
        return
    errors = [one.mase for one in judged if one.mase]
    yield Figure(name=f"series, {where}", value=len(judged), unit="series", note=f"{source()}: {_names(judged)}")
    yield _figure(f"forecast error over last-value's, {where}", _geometric(errors), ERRORS[mode])
    covered = [one.coverage for one in judged if one.coverage is not None]
    off = 100.0 * fmean(not 0.85 <= share <= 0.95 for share in covered)
    yield _figure(f"series whose 90 % band covers less than 85 or more than 95 %, {where}", off, Bound(10, 3), "%")
    for name, (policy, rival, native, interp) in RATIOS.items():
        bound = native if mode is Mode.NATIVE else interp
        yield _figure(f"{name}, {where}", _geometric(_ratios(judged, policy, rival)), bound)
    for policy in ("thresholds", "expected-cost"):
        yield _figure(f"flips of {policy} over plain regression's, {where}", _flips(judged, policy), FLIPS[mode])
    for name, place in zip(WRONG, range(len(WRONG)), strict=True):
        cost = 100.0 * (_geometric([one.wrong[place] for one in judged]) - 1.0)
        yield _figure(f"J that footprints {name} cost, {where}", cost, Bound(5, 5), "%")


def _names(judged: Sequence[Judged]) -> str:
    """Which series these are, each once."""
    return ", ".join(dict.fromkeys(one.name for one in judged))


def _figure(name: str, value: float, bound: Bound, unit: str = "ratio") -> Figure:
    return Figure(name=name, value=value, unit=unit, goal=bound.goal, floor=bound.floor)


def _ratios(judged: Sequence[Judged], policy: str, rival: str) -> list[float]:
    return [max(1.0, _row(one, policy).score.j) / max(1.0, _row(one, rival).score.j) for one in judged]


def _flips(judged: Sequence[Judged], policy: str) -> float:
    own, theirs = (sum(_row(one, name).score.flips for one in judged) for name in (policy, PLAIN))
    return own / max(1.0, theirs)


def _row(one: Judged, policy: str) -> Row:
    return next(row for row in one.rows if row.policy == policy)


def _geometric(values: Sequence[float]) -> float:
    return math.exp(fmean(math.log(value) for value in values)) if values else math.nan
