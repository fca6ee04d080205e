"""Champions for tests: a regression that repeats the last step, and a day that rises to one hour."""

import math
from typing import Any

from brownout.core.forecasting.champions import (
    Champions,
    DailyChampion,
    PeakRecord,
    Record,
    Regression,
    TrainedChampion,
)
from brownout.core.forecasting.daily import QUARTERS
from brownout.core.forecasting.signals import FEATURES

STEPS = (1, 5, 10)
STEP_S = 30.0
#: Lowest at midnight UTC, 10 points higher at noon.
SINE = tuple(5.0 - 5.0 * math.cos(2.0 * math.pi * (place + 0.5) / QUARTERS) for place in range(QUARTERS))


def make_record(steps: int = 10, *, ratio: float = 0.8, **changes: Any) -> dict[str, Any]:
    """The figures of a backtest."""
    figures = {"steps": steps, "count": 1000, "error": ratio, "last_value_error": 1.0, "coverage_percent": 90.0}
    return {**figures, **changes}


def make_trained(*, ratio: float = 0.8, **changes: Any) -> TrainedChampion:
    """Each step ahead brings as much again as the last step did."""
    rows = tuple(tuple(float(steps) if name == "step" else 0.0 for name in FEATURES) for steps in STEPS)
    parts: dict[str, Any] = {
        "made_at": 1_767_000_000.0,
        "fitted_until": 1_766_000_000.0,
        "regression": Regression.RIDGE,
        "coefficients": rows,
        "intercepts": (0.0,) * len(STEPS),
        "profile": (),
        "records": tuple(Record(**make_record(steps, ratio=ratio)) for steps in STEPS),
    }
    return TrainedChampion(**{**parts, **changes})


def make_daily(*, peak_ratio: float = 0.5, **changes: Any) -> DailyChampion:
    """The sine of the day; its peaks were within two points."""
    parts: dict[str, Any] = {
        "made_at": 1_767_000_000.0,
        "fitted_until": 1_766_000_000.0,
        "profile": SINE,
        "shrink": 1.0,
        "record": Record(**make_record()),
        "peak": PeakRecord(**make_record(120, ratio=peak_ratio), lower=-2.0, upper=2.0),
    }
    return DailyChampion(**{**parts, **changes})


def make_champions(**changes: Any) -> Champions:
    """Both."""
    parts: dict[str, Any] = {
        "step_s": STEP_S,
        "steps": STEPS,
        "confidence_percent": 90.0,
        "trained": make_trained(),
        "daily": make_daily(),
    }
    return Champions(**{**parts, **changes})
