"""The outlook: memory now, and memory in five minutes if we change nothing.

We forecast only the base load, which we do not control; the total is that plus the footprints of what is on.
A forecast of the total would read our own actions as a trend and undo them: measured, 69 % of a naive rule's
disables undo a re-enable of under ten minutes before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from brownout.api.policy import ForecastModel, PolicySpec
from brownout.core.forecast import Forecast, foretold
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.path import Path, Spread
from brownout.core.instant import Instant
from brownout.core.sample import STALE_AFTER_INTERVALS, Resource, Sample, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Percent of the limit. `measured_percent` is None when the metrics are missing, stale or absurd (`why`).

    `ours_percent` is what our integrations were measured to hold of it; `path` what the base load may do until the
    horizon, once enough past forecasts have met their future; `recent_base_percent` its highest within the last
    stabilization time. `growth_percent` is what those of ours that leak will hold more by the horizon, and
    `growth_percent_per_s` how fast that comes.
    """

    measured_percent: float | None
    limit_bytes: int | None
    witness: Witness
    ours_percent: float = 0.0
    growth_percent: float = 0.0
    growth_percent_per_s: float = 0.0
    base: Forecast | None = None
    total: Forecast | None = None
    path: Path | None = None
    recent_base_percent: float | None = None
    peak: Forecast | None = None  # of the day's pattern, where one is known and still to come
    others: Mapping[Resource, Forecast] = field(default_factory=lambda: MappingProxyType({}))  # CPU and disk
    why: str = ""

    @property
    def voting(self) -> Forecast | None:
        """The total's forecast where it may be acted on."""
        return self.total if self.total is not None and self.total.votes else None

    @property
    def next(self) -> Spread | None:
        """What memory may be at the next step, where that is known far better than what comes later."""
        known = self.path.next if self.path is not None else None
        return known.shifted(self.ours_percent) if known is not None else None

    def top_percent(self, share: float) -> float | None:
        """What memory stays under with this chance until the horizon if nothing is switched; at least what is measured.

        Without a path a forecast that votes says it by its upper bound, and what it was a moment ago it may be again.
        """
        if self.measured_percent is None:
            return None
        if self.path is not None:
            ours = self.ours_percent + self.growth_percent
            return max(self.measured_percent, ours + self.path.top(share))
        recent = self.ours_percent + self.growth_percent + (self.recent_base_percent or 0.0)
        return max(self.measured_percent, recent, self.voting.upper if self.voting else 0.0)

    def percent_of(self, size_bytes: int) -> float:
        """Bytes as percent of the limit; 0 where the limit is not known."""
        return 100.0 * size_bytes / self.limit_bytes if self.limit_bytes else 0.0

    def seconds_to(self, threshold_percent: float) -> float | None:
        """Time left until the threshold; None where it is not approached.

        The base goes on along the slope of a forecast that votes, and what leaks goes on leaking: that is measured and
        needs no vote.
        """
        slope_per_s = self.growth_percent_per_s + (self.voting.slope_per_s if self.voting else 0.0)
        if self.measured_percent is None or slope_per_s <= 0.0:
            return None
        return max(0.0, (threshold_percent - self.measured_percent) / slope_per_s)


def look_out(
    sample: Sample | None, panel: Panel | None, policy: PolicySpec, *, now: Instant, growth_percent: float = 0.0
) -> Outlook:
    """The outlook of the newest sample, with what the panel makes of the base load, and what ours will have grown."""
    measured = sample.percent(Resource.MEMORY) if sample else None
    if sample is None or measured is None:
        why = "memory cannot be read" if sample else "nothing has been measured yet"
        return Outlook(measured_percent=None, limit_bytes=None, witness=Witness.NONE, why=why)
    if now - sample.at > STALE_AFTER_INTERVALS * policy.interval:
        why = f"the last sample is {now - sample.at:.0f} s old"
        return Outlook(measured_percent=None, limit_bytes=sample.memory_limit_bytes, witness=sample.witness, why=why)
    base = _fail_safe(foretold(panel), policy) if panel else None
    ours = measured - (sample.base_percent or 0.0)
    return Outlook(
        measured_percent=measured,
        ours_percent=ours,
        growth_percent=growth_percent,
        growth_percent_per_s=growth_percent / policy.forecast.horizon,
        limit_bytes=sample.memory_limit_bytes,
        witness=sample.witness,
        base=base,
        total=base.shifted(ours + growth_percent) if base else None,
        recent_base_percent=panel.high_since(now - policy.stabilization.enable) if panel else None,
        path=_path(panel, sample) if panel and policy.forecast.model is not ForecastModel.OFF else None,
    )


def _path(panel: Panel, sample: Sample) -> Path | None:
    """What the panel says of the next minutes; of the next step only if the newest sample is on the way there."""
    path = panel.path()
    if path is None or path.next is None or _on_the_way(panel, path.next, sample):
        return path
    return replace(path, next=None)


def _on_the_way(panel: Panel, coming: Spread, sample: Sample) -> bool:
    """Whether a sample lies between the newest point and what is coming, in time and in size.

    A tick out of turn may already see that it comes otherwise: what went a moment ago, and was never told apart from
    the base load, is still in the line that leads there, and would be asked for once more.
    """
    base, newest = sample.base_percent, panel.signals.value
    low, high = min(newest, coming.quantile(0.0)), max(newest, coming.quantile(1.0))
    return base is not None and low <= base <= high and not panel.due(sample.at)


def _fail_safe(made: Forecast | None, policy: PolicySpec) -> Forecast | None:
    """Take the vote from a forecast whose band is wider than the whole dead band between enable and disable.

    Such a band cannot tell "switch off" from "bring back" (requirement F4): at 80/65 that is 15 points.
    """
    widest = policy.thresholds.disable - policy.thresholds.enable
    if made is not None and made.votes and made.width > widest:
        return made.silenced(f"its band of {made.width:.1f} points is wider than {widest:g}")
    return made
