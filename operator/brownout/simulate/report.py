"""The report: a row for each trace, mode and policy, as `brownout replay -o json` prints it, and their means."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from brownout.simulate.loop import Record
from brownout.simulate.oracle import Oracle
from brownout.simulate.rivals.plain_regression import PlainRegression
from brownout.simulate.score import Score, Weights, score

# A ratio of costs means nothing near zero: a calm day of the oracle costs 0. A day under one flip counts as one flip.
LEAST_J = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The score of one policy on one trace in one mode."""

    trace: str
    mode: str
    policy: str
    score: Score

    def document(self) -> dict[str, str | float]:
        """The row as JSON has it."""
        figures = {name: round(value, 4) for name, value in asdict(self.score).items()}
        days = figures.pop("days")
        names = {"trace": self.trace, "mode": self.mode, "policy": self.policy}
        return {**names, "days": days, "j": round(self.score.j, 4), **figures}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One policy in one mode over all traces: means of its figures, and geometric means of its ratios of J, where
    the plain regression and the oracle ran on the same traces.
    """

    mode: str
    policy: str
    traces: int
    mean: Score
    j: float
    j_over_plain: float | None
    j_over_oracle: float | None


def row_of(record: Record) -> Row:
    """The row of a record."""
    return Row(trace=record.trace, mode=record.mode, policy=record.contender, score=score(record))


def documents(rows: Iterable[Row]) -> dict[str, list[dict[str, str | float]]]:
    """What `brownout replay -o json` prints."""
    return {"rows": [row.document() for row in rows]}


def summaries(rows: Sequence[Row], weights: Weights | None = None) -> tuple[Summary, ...]:
    """One summary for each mode and policy, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.mode, row.policy), []).append(row)
    costs = {(row.trace, row.mode, row.policy): row.score.j_under(weights or Weights()) for row in rows}
    return tuple(_summary(group, costs) for group in groups.values())


def table(found: Iterable[Summary]) -> str:
    """The summaries as people read them."""
    head = (
        f"{'mode':<7} {'policy':<20} {'series':>6} {'min>=80':>8} {'min>=95':>8} {'lost':>8} {'needless':>8} "
        f"{'flips':>7} {'J':>8} {'J/plain':>8} {'J/oracle':>8}"
    )
    return "\n".join((head, *(_line(each) for each in found)))


def _line(each: Summary) -> str:
    mean = each.mean
    return (
        f"{each.mode:<7} {each.policy:<20} {each.traces:>6} {mean.minutes_80:>8.1f} {mean.minutes_95:>8.1f} "
        f"{mean.lost_weighted:>8.0f} {mean.lost_needlessly:>8.0f} {mean.flips:>7.0f} {each.j:>8.0f} "
        f"{_ratio(each.j_over_plain):>8} {_ratio(each.j_over_oracle):>8}"
    )


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _summary(group: Sequence[Row], costs: dict[tuple[str, str, str], float]) -> Summary:
    first, scores = group[0], [asdict(row.score) for row in group]
    mean = Score(**{name: fmean(each[name] for each in scores) for name in scores[0]})
    return Summary(
        mode=first.mode,
        policy=first.policy,
        traces=len(group),
        mean=mean,
        j=fmean(costs[row.trace, row.mode, row.policy] for row in group),
        j_over_plain=_over(group, costs, PlainRegression.name),
        j_over_oracle=_over(group, costs, Oracle.name),
    )


def _over(group: Sequence[Row], costs: dict[tuple[str, str, str], float], rival: str) -> float | None:
    """The geometric mean of the ratios over a rival's; None where it did not run on each of the traces."""
    pairs = [(costs[row.trace, row.mode, row.policy], costs.get((row.trace, row.mode, rival))) for row in group]
    ratios = [math.log(max(own, LEAST_J) / max(its, LEAST_J)) for own, its in pairs if its is not None]
    return math.exp(fmean(ratios)) if len(ratios) == len(group) else None
