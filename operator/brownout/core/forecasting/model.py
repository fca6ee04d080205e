"""The names of the models: a closed vocabulary, the same in statuses, metrics, reports and the audit log."""

from enum import StrEnum


class Model(StrEnum):
    """Which rule made a forecast."""

    LAST_VALUE = "last-value"
    AVERAGE = "moving-average"
    MEDIAN = "moving-median"
    HOLT = "damped-holt"
    LINEAR = "linear-regression"
    TREND = "linear-trend"  # the same line on too few samples
    LAGS = "lagged-regression"
    TRAINED = "trained-regression"  # its coefficients come from training
    DAILY = "time-of-day"
