"""The metrics, as one table: names, kinds, labels and what they mean. docs/metrics.md is made from it.

A name that is here is a promise to dashboards and alerts. It knows nothing of how a figure is come by.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["METRICS", "MOST_INTEGRATIONS", "MOST_RUNS", "OTHER", "Kind", "Metric", "markdown", "metric"]

#: Integrations with series of their own; the rest share one. 1000 of them are some 7000 series and 0.6 MB.
MOST_INTEGRATIONS: Final = 1000
#: Budget runs with series of their own, the newest; 100 are some 1000 series.
MOST_RUNS: Final = 100
#: The label of the shared series. No integration can bear it: names hold no underscore.
OTHER: Final = "_other"


class Kind(StrEnum):
    """Kinds of metrics, in Prometheus' words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `name` is what Prometheus shows, without the suffixes of a histogram."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# A tick's parts take microseconds to a slow API server's seconds; a step ends within its grace, 30 s by default.
_TICK_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_STEP_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=f"brownout_{name}", kind=Kind.GAUGE, meaning=meaning, labels=labels)


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=f"brownout_{name}", kind=Kind.COUNTER, meaning=meaning, labels=labels)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name=f"brownout_{name}", kind=Kind.HISTOGRAM, meaning=meaning, labels=labels, buckets=buckets)


METRICS: Final = (
    _gauge("build_info", "1, with the version of the controller.", "version"),
    _gauge("memory_percent", "Memory in use, in percent of the limit in force."),
    _gauge("memory_base_percent", "Memory in use that no integration was measured to hold, in percent of the limit."),
    _gauge("memory_forecast_percent", "Memory that is forecast: the value and both ends of its interval.", "bound"),
    _gauge("memory_used_bytes", "Memory in use."),
    _gauge("memory_limit_bytes", "The limit in force: budget, node or cgroup."),
    _gauge("memory_stall_percent", "Time that tasks waited for memory in the last 10 s (PSI some)."),
    _gauge("memory_seconds_to_disable", "Time left until the disable threshold; no series while it is not approached."),
    _gauge("memory_seconds_to_emergency", "Time left until the emergency threshold; as above."),
    _gauge("cpu_percent", "CPU in use."),
    _gauge("disk_percent", "Disk in use."),
    _gauge("disk_free_bytes", "Disk that is free."),
    _gauge("integration_state", "1 for the state that it is in, 0 for the others.", "integration", "state"),
    _gauge("integration_memory_bytes", "Memory that it was measured to hold.", "integration"),
    _gauge("integration_requests_per_second", "Requests that it got lately, over spike.within.", "integration"),
    _gauge("integration_response_seconds", "Mean time in which it answered them.", "integration"),
    _gauge("integration_failure_ratio", "Share of them that failed, 0 to 1.", "integration"),
    _gauge("integration_health", "1 for what its checks say, 0 for the others.", "integration", "health"),
    _gauge("integration_circuit", "1 for the state of its breaker, 0 for the others.", "integration", "circuit"),
    _gauge("integration_check_seconds", "Time in which it answers its checks, the p95 of the last 60.", "integration"),
    _counter("integration_checks_total", "Checks that were made since it was last switched on.", "integration"),
    _counter("integration_check_errors_total", "Checks that failed since then.", "integration"),
    _counter("integration_slow_checks_total", "Checks that were answered too late since then.", "integration"),
    _counter("integration_circuit_openings_total", "Times that its circuit opened since then.", "integration"),
    _gauge("budget_used", "What a run that has not ended has used: seconds, tokens, calls.", "run", "measure"),
    _gauge("budget_limit", "What it may use; no series where it has no limit.", "run", "measure"),
    _gauge("budget_state", "1 for how it stands to its limits, 0 for the others.", "run", "state"),
    _counter("decisions_total", "Decisions, one for each tick.", "verdict", "reason"),
    _counter("steps_total", "Steps that ended.", "action", "outcome"),
    _histogram("step_seconds", "Time from the beginning of a step to its end.", "action", buckets=_STEP_BUCKETS),
    _counter("ticks_total", "Ticks that ended, by what caused them.", "cause"),
    _histogram("tick_seconds", "Our own work in a tick, by its part.", "phase", buckets=_TICK_BUCKETS),
    _gauge("tick_last_timestamp_seconds", "When the last tick ended, unix time."),
    _counter("ticks_missed_total", "Intervals that passed without a tick."),
    _counter("faults_total", "Failures of the world that were contained.", "where"),
)

_BY_NAME: Final = {known.name: known for known in METRICS}


def metric(name: str) -> Metric:
    """The metric of a name, which may leave out `brownout_`."""
    return _BY_NAME[f"brownout_{name}"]


def markdown() -> str:
    """The table as docs/metrics.md shows it."""
    rows = [
        f"| `{known.name}` | {known.kind} | {', '.join(f'`{label}`' for label in known.labels)} | {known.meaning} |"
        for known in METRICS
    ]
    return "\n".join(("| name | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows)) + "\n"
