"""The regressions: scikit-learn's, each fitted on rows of the past for one distance.

The median regression is a linear program whose time grows faster than its rows, so that it sees 2000 of them at most;
the others see 20 000, which are a week at 30 s, evenly taken from all.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import HuberRegressor, LinearRegression, QuantileRegressor, Ridge

from brownout.core.forecasting.champions import Regression
from brownout.core.forecasting.daily import Profile
from brownout.core.instant import Instant
from brownout.core.window import Point
from brownout.training.series import Chosen, Column, Rows

MOST_ROWS: Final = 20_000
MOST_MEDIAN_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One regression at one distance: a coefficient for each feature, and one more for the rise of a profile."""

    steps: int
    coefficients: tuple[float, ...]
    intercept: float
    profile: Profile = ()

    def foretold(self, rows: Rows) -> Column:
        """What it says of each row: the same arithmetic as core's Trained, which a test holds to it."""
        change: Column = design_of(rows, self.steps, self.profile) @ np.array(self.coefficients)
        return rows.value + self.intercept + change


def design_of(rows: Rows, steps: int, profile: Profile) -> Column:
    """The features, and the rise of the profile where there is one."""
    if not profile:
        return rows.features
    return np.column_stack((rows.features, rows.rises(profile, steps)))


def fitted(kind: Regression, rows: Rows, steps: int, chosen: Chosen, profile: Profile = ()) -> Fit | None:
    """The regression of the change until then on the chosen rows; None where it finds no solution."""
    most = MOST_MEDIAN_ROWS if kind is Regression.MEDIAN else MOST_ROWS
    places = np.flatnonzero(chosen)
    places = places[:: max(1, -(-len(places) // most))]
    design = design_of(rows, steps, profile)[places]
    change = rows.later[steps][places] - rows.value[places]
    model = _model(kind)
    try:
        with warnings.catch_warnings():
            # Not quite converged is not wrong: what it is worth is measured on other rows.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(design[:, 1:], change)  # the first feature is constant: that is the intercept's
    except ValueError:
        return None
    coefficients = (0.0, *(float(each) for each in model.coef_))
    if not np.isfinite((*coefficients, model.intercept_)).all():
        return None
    return Fit(steps=steps, coefficients=coefficients, intercept=float(model.intercept_), profile=profile)


def _model(kind: Regression) -> Any:
    match kind:
        case Regression.LINEAR:
            return LinearRegression()
        case Regression.RIDGE:
            return Ridge(alpha=10.0)
        case Regression.HUBER:
            return HuberRegressor(max_iter=300)
        case Regression.MEDIAN:
            return QuantileRegressor(quantile=0.5, alpha=1e-4, solver="highs")


def line_at(points: Sequence[Point], at: Instant) -> float:
    """The user's rule (requirement F1): LinearRegression on these points, at an instant.

    The resident process draws the same line in closed form; a test holds both within 1e-9 of each other.
    """
    origin = points[0][0]
    times = np.array([[when - origin] for when, _ in points])
    model = LinearRegression().fit(times, [value for _, value in points])
    return float(model.predict([[at - origin]])[0])
