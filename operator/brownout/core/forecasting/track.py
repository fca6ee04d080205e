"""A track record: what each forecaster has foretold at one distance, what came of it, and the mixture that follows.

Weights go by the inverse 16th power of the mean error: the best leads, those within some per cent of it have a say,
and the rest has none. Measured on 15 real series, ten ticks ahead: 0.81 of last-value's error, where the single
best in hindsight has 0.81 and picking the best by its errors has 0.84.
"""

from dataclasses import dataclass, field, replace

from brownout.core.forecasting.coverage import Coverage
from brownout.core.forecasting.path import Spread
from brownout.core.forecasting.residuals import Residuals

# The mean error of a forecaster looks back over about 300 resolved forecasts, 2.5 hours of ticks.
MEMORY = 300
POWER = 16
# So that a series that stands still (every error 0) weighs all alike.
_TINY = 1e-3
# Fewer resolved errors than this tell no weight from luck: the last value speaks alone (it is the first candidate).
ENOUGH = 10
# How many errors a newcomer's bad name counts: half an hour of ticks.
TRIAL = 60


Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """One forecast that has not met its future: each candidate's value, the mixture's, and the band's residuals."""

    values: tuple[float, ...]
    mixed: float
    band: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The record at `steps` ahead. `errors` are mean absolute errors of the candidates, `mixed_error` the mixture's;
    `voter` is the place of the only candidate that counts, where the owner has chosen one.

    Candidates from place `own` on are newcomers. They have no record of their own, and days differ: a mean error from
    a calm hour must not be held against the others' from a wild one. So `trial` keeps everybody's mean errors since
    they joined, and a newcomer's error is that of the best of the family times how it did beside it in the trial. At
    first it counts as the worst of all, as if it had been that TRIAL times: luck gives it no say.
    """

    steps: int
    coverage: Coverage
    voter: int | None = None
    own: int | None = None
    joined: int = 0
    trial: tuple[float, ...] = ()
    made: tuple[Made, ...] = ()
    errors: tuple[float, ...] = ()
    mixed_error: float = 0.0
    resolved: int = 0
    residuals: Residuals = field(default_factory=Residuals)

    def resolve(self, truth: float) -> "Track":
        """With the newest value, which is what the oldest forecast in hand was about."""
        if len(self.made) < self.steps:
            return self
        old, count = self.made[0], self.resolved + 1
        share = 1.0 / min(count, MEMORY)
        residual = truth - old.mixed
        errors, trial = self._errors(old.values, truth, share)
        return replace(
            self,
            made=self.made[1:],
            errors=errors,
            trial=trial,
            mixed_error=self.mixed_error + share * (abs(residual) - self.mixed_error),
            resolved=count,
            residuals=self.residuals.add(residual),
            coverage=self.coverage.after(residual, old.band),
        )

    def _errors(self, values: tuple[float, ...], truth: float, share: float) -> tuple[Row, Row]:
        """The mean errors with one more each, and those of the trial."""
        before = self.errors or (0.0,) * len(values)
        errors = [was + share * (abs(truth - value) - was) for was, value in zip(before, values, strict=False)]
        if self.own is None or len(values) <= self.own:  # a forecast from before they joined tells nothing of newcomers
            return (*errors, *before[len(errors) :]), self.trial
        if not self.trial and len(before) == len(values):  # they were there from the first
            return tuple(errors), ()
        trial = self._trial(values, truth)
        best = min(range(self.own), key=errors.__getitem__)
        beside = (errors[best] + _TINY) / (trial[best] + _TINY)
        return (*errors[: self.own], *[beside * error for error in trial[self.own :]]), trial

    def _trial(self, values: tuple[float, ...], truth: float) -> Row:
        """Everybody's mean errors since the newcomers joined."""
        share = 1.0 / min(self.resolved - self.joined + TRIAL, MEMORY)
        before = self.trial or (*self.errors, *(max(self.errors),) * (len(values) - len(self.errors)))
        return tuple([was + share * (abs(truth - value) - was) for was, value in zip(before, values, strict=True)])

    def with_newcomers(self, own: int) -> "Track":
        """The candidates from place `own` on are replaced: what the earlier ones there did is forgotten."""
        made = tuple(Made(each.values[:own], each.mixed, each.band) for each in self.made)
        return replace(self, own=own, joined=self.resolved, made=made, errors=self.errors[:own], trial=())

    def foretell(self, values: tuple[float, ...]) -> "Track":
        """With a new forecast of each candidate, and their mixture."""
        weights = self.weights()
        mixed = sum(map(float.__mul__, weights, values)) if weights else values[0]
        return replace(self, made=(*self.made, Made(values, mixed, self.coverage.band(self.residuals))))

    def weights(self) -> tuple[float, ...]:
        """What each candidate's value counts, 1 in all; none before there are enough errors."""
        if self.voter is not None:
            return tuple([float(place == self.voter) for place in range(self.voter + 1)])
        if self.resolved < ENOUGH:
            return ()
        best = min(self.errors) + _TINY
        raw = [(best / (error + _TINY)) ** POWER for error in self.errors]
        total = sum(raw)
        return tuple([one / total for one in raw])

    def broken(self) -> "Track":
        """After a gap: the forecasts in hand are of another world, what was learnt of errors stays."""
        return replace(self, made=())

    @property
    def newest(self) -> Made:
        """The forecast just made; there must be one."""
        return self.made[-1]

    def spread(self) -> Spread:
        """The distribution of the forecast just made."""
        return Spread(steps=self.steps, value=self.newest.mixed, residuals=self.residuals)
