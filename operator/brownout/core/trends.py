"""Trends: how each resource moved over the window, and which of its samples are unusual (requirements S4, S5)."""

from dataclasses import dataclass

from brownout.core.anomalies import Anomaly, anomalies
from brownout.core.linear import fit
from brownout.core.sample import Resource
from brownout.core.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Percentages of one resource over the window; the slope is in percentage points per minute."""

    count: int
    average: float
    minimum: float
    maximum: float
    slope_per_minute: float
    anomalies: tuple[Anomaly, ...] = ()


def trend(window: Window, resource: Resource) -> Trend | None:
    """The trend of one resource, or None where nothing is known of it."""
    points = window.points(resource)
    if not points:
        return None
    line = fit(points)
    values = [value for _, value in points]
    return Trend(
        count=len(points),
        average=line.mean_value,
        minimum=min(values),
        maximum=max(values),
        slope_per_minute=60.0 * line.slope_per_s,
        anomalies=anomalies(window, resource),
    )


def summary(window: Window) -> dict[Resource, Trend]:
    """The trends of every resource of which anything is known."""
    trends = ((resource, trend(window, resource)) for resource in Resource)
    return {resource: found for resource, found in trends if found is not None}
