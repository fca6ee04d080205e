"""The closed vocabularies of the wire: why, in which state, how well.

One word means one thing everywhere: status, events, metrics, REST, CLI and log all take it from here. A new reason is
added in this file and nowhere else. Nothing here knows when a word applies.
"""

from enum import StrEnum

__all__ = ["BudgetState", "Circuit", "ConditionStatus", "ConditionType", "Health", "Reason", "State"]


class Reason(StrEnum):
    """Why an integration or the policy is as it is."""

    WITHIN_LIMITS = "WithinLimits"
    DISABLED_BY_OWNER = "DisabledByOwner"
    ABOVE_THRESHOLD = "AboveThreshold"
    FORECAST_ABOVE_THRESHOLD = "ForecastAboveThreshold"
    EMERGENCY = "Emergency"
    LOAD_SPIKE = "LoadSpike"
    DAILY_PEAK_AHEAD = "DailyPeakAhead"
    UNDER_PRESSURE = "UnderPressure"
    STABILIZING = "Stabilizing"
    DOES_NOT_FIT = "DoesNotFit"
    RESTORED = "Restored"
    UNHEALTHY = "Unhealthy"
    CIRCUIT_OPEN = "CircuitOpen"
    BUDGET_APPROACHING = "BudgetApproaching"
    BUDGET_EXCEEDED = "BudgetExceeded"
    DEPENDENCY_DISABLED = "DependencyDisabled"
    METRICS_UNKNOWN = "MetricsUnknown"
    INVALID_SPEC = "InvalidSpec"
    WORKLOAD_MISSING = "WorkloadMissing"
    ACTUATION_FAILED = "ActuationFailed"
    DRY_RUN = "DryRun"


class State(StrEnum):
    """What an integration is doing now, in one word."""

    ENABLED = "Enabled"
    LOWERED = "Lowered"
    DISABLED = "Disabled"
    FAILED = "Failed"
    PENDING = "Pending"


class Health(StrEnum):
    """What the health checks say."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class Circuit(StrEnum):
    """State of the circuit breaker."""

    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


class BudgetState(StrEnum):
    """How a run of work stands to its limits."""

    OK = "OK"
    APPROACHING = "Approaching"
    EXCEEDED = "Exceeded"


class ConditionType(StrEnum):
    """The conditions of an object's status. Ready, Reconciling and Stalled are those of kstatus."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    DEGRADED = "Degraded"
    HEALTHY = "Healthy"
    ACCEPTED = "Accepted"


class ConditionStatus(StrEnum):
    """Whether a condition holds. Words, not booleans, as in Kubernetes."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"
