"""The outlook: memory now, and memory in five minutes if we change nothing.

We forecast only the base load, which we do not control; the total is that plus the footprints of what is on.
A forecast of the total would read our own actions as a trend and undo them: measured, 69 % of a naive rule's
disables undo a re-enable of under ten minutes before.
"""

from dataclasses import dataclass

from brownout.api.policy import PolicySpec
from brownout.core.forecast import Forecast, forecast, smoothed
from brownout.core.instant import Instant
from brownout.core.sample import Resource, Sample, Witness
from brownout.core.window import Window

# A sample older than this many intervals says nothing of now; a longer gap between two breaks the series.
STALE_AFTER_INTERVALS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Percent of the limit. `measured_percent` is None when the metrics are missing, stale or absurd (`why`)."""

    measured_percent: float | None
    limit_bytes: int | None
    witness: Witness
    base: Forecast | None = None
    total: Forecast | None = None
    peak: Forecast | None = None  # of the day's pattern, where one is known and still to come
    why: str = ""

    @property
    def voting(self) -> Forecast | None:
        """The total's forecast where it may be acted on."""
        return self.total if self.total is not None and self.total.votes else None

    @property
    def expected_percent(self) -> float | None:
        """The worse of what is measured and what a voting forecast holds possible: what a return must fit on."""
        if self.measured_percent is None:
            return None
        return max(self.measured_percent, self.voting.upper) if self.voting else self.measured_percent

    def percent_of(self, size_bytes: int) -> float:
        """Bytes as percent of the limit; 0 where the limit is not known."""
        return 100.0 * size_bytes / self.limit_bytes if self.limit_bytes else 0.0

    def seconds_to(self, threshold_percent: float) -> float | None:
        """Time left until the threshold on the voting forecast's slope; None where it is not approaching."""
        if self.measured_percent is None or self.voting is None or self.voting.slope_per_s <= 0.0:
            return None
        return max(0.0, (threshold_percent - self.measured_percent) / self.voting.slope_per_s)


def look_out(
    window: Window,
    sample: Sample | None,
    policy: PolicySpec,
    *,
    now: Instant,
    since: Instant = 0.0,
    previous: float | None = None,
) -> Outlook:
    """The outlook of the newest sample on the window's series.

    `since` cuts off older samples that contain actions of ours which could not be measured apart; `previous` is
    the last smoothed forecast of the base.
    """
    measured = sample.percent(Resource.MEMORY) if sample else None
    if sample is None or measured is None:
        why = "memory cannot be read" if sample else "nothing has been measured yet"
        return Outlook(measured_percent=None, limit_bytes=None, witness=Witness.NONE, why=why)
    if now - sample.at > STALE_AFTER_INTERVALS * policy.interval:
        why = f"the last sample is {now - sample.at:.0f} s old"
        return Outlook(measured_percent=None, limit_bytes=sample.memory_limit_bytes, witness=sample.witness, why=why)
    base = _base_forecast(window, policy, since=since, previous=previous)
    ours = measured - (sample.base_percent or 0.0)
    return Outlook(
        measured_percent=measured,
        limit_bytes=sample.memory_limit_bytes,
        witness=sample.witness,
        base=base,
        total=base.shifted(ours) if base else None,
    )


def _base_forecast(window: Window, policy: PolicySpec, *, since: Instant, previous: float | None) -> Forecast | None:
    longest_gap_s = STALE_AFTER_INTERVALS * policy.interval
    start = max(since, window.unbroken_since(longest_gap_s=longest_gap_s))
    points = window.base_points(since=start)
    made = forecast(points, policy.forecast, interval_s=policy.interval)
    if made is None:
        return None
    if len(points) > 1:  # the first of a new series has no predecessor: the one before the gap is of another world
        made = smoothed(made, previous, factor=policy.forecast.smoothing)
    return _fail_safe(made, policy)


def _fail_safe(made: Forecast, policy: PolicySpec) -> Forecast:
    """Take the vote from a forecast whose band is wider than the whole dead band between enable and disable.

    Such a band cannot tell "switch off" from "bring back" (requirement F4): at 80/65 that is 15 points.
    """
    widest = policy.thresholds.disable - policy.thresholds.enable
    if made.votes and made.width > widest:
        return made.silenced(f"its band of {made.width:.1f} points is wider than {widest:g}")
    return made
