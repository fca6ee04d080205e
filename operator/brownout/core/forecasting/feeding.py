"""Feeding: which samples reach the panel, and where the series breaks."""

from brownout.api.policy import PolicySpec
from brownout.core.forecasting.panel import Panel
from brownout.core.instant import Instant
from brownout.core.sample import STALE_AFTER_INTERVALS, Sample


def fed(panel: Panel | None, sample: Sample, policy: PolicySpec, *, since: Instant) -> Panel:
    """The panel after a sample of the base load.

    Samples before `since` contain something that could not be told apart (a step of ours that nobody measured, another
    limit), so they are passed over, and the series begins anew after them, as it does after a gap (a suspended
    machine). Samples that come out of turn are passed over too: forecasts count even steps.
    """
    if panel is None:
        panel = Panel.blank(policy.forecast, interval_s=policy.interval)
    return fed_with(panel, sample.at, sample.base_percent, policy, since=since)


def fed_with(panel: Panel, at: Instant, value: float | None, policy: PolicySpec, *, since: Instant = 0.0) -> Panel:
    """The panel after one value of its series; None is one that nobody knows."""
    longest_gap_s = STALE_AFTER_INTERVALS * max(policy.interval, panel.step_s)
    if value is None or at < since or not panel.due(at):
        return panel
    if panel.ready and (panel.at < since or at - panel.at > longest_gap_s):
        panel = panel.broken()
    return panel.seen(at, value)
