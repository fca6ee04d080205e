"""The limits of a run. Absent is no limit, zero allows none. They can be replaced while the run goes on.

Bounds: no count over 2^53, so that every reader of JSON holds it exactly, and no time over 31 years.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field

from brownout.api.duration_text import MAX_DURATION_S, InvalidDuration, parse_duration
from brownout.api.problems import shown
from brownout.core.budget.measure import PARAMETER, Measure
from brownout.core.errors import InvalidInput

MOST = 2**53
_COUNTS = f"must be a whole number from 0 to {MOST}, or None for no limit"
_SECONDS = 'must be seconds from 0 to 1e9, a text such as "1h30m", or None for no limit'
_INTERVAL = 'must be seconds above 0, at most 1e9, or a text such as "5m"'
_PERCENT = "must be above 0 and at most 100"


class InvalidLimits(InvalidInput):
    """Limits that are none. `problems` are the parameter and what is wrong with it."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use. `duration="1h"` and `checkpoint_every="5m"` are other ways to write the two times in seconds.

    `warn_percent` of any limit is Approaching; `warn_percents` sets it for one measure. From `finish_percent` of its
    work on, a run that approaches a limit may finish. Raises InvalidLimits, which names all that is wrong.
    """

    duration: InitVar[str | float | None] = None  # only to write; read duration_s
    checkpoint_every: InitVar[str | float | None] = None  # only to write; read checkpoint_every_s
    duration_s: float | None = None
    tokens: int | None = None
    api_calls: int | None = None
    warn_percent: float = 80.0
    warn_percents: Mapping[Measure, float] = field(
        default_factory=dict
    )  # read only; a plain dict can be sent to worker processes
    finish_percent: float = 80.0
    checkpoint_every_s: float = 300.0

    def __post_init__(self, duration: str | float | None, checkpoint_every: str | float | None) -> None:
        if duration is not None:
            object.__setattr__(self, "duration_s", _seconds(duration))
        if checkpoint_every is not None:
            object.__setattr__(self, "checkpoint_every_s", _seconds(checkpoint_every))
        if problems := tuple(self._problems()):
            raise InvalidLimits(problems)
        own = {Measure(name): float(percent) for name, percent in self.warn_percents.items()}
        object.__setattr__(self, "warn_percents", own)

    def of(self, measure: Measure) -> float | None:
        """The limit of one measure; None where there is none."""
        match measure:
            case Measure.DURATION:
                return self.duration_s
            case Measure.TOKENS:
                return self.tokens
            case Measure.API_CALLS:
                return self.api_calls

    def warn_percent_of(self, measure: Measure) -> float:
        """From how many percent of this limit on the run is Approaching."""
        return self.warn_percents.get(measure, self.warn_percent)

    def _problems(self) -> Iterator[tuple[str, str]]:
        yield from _unless(_is_seconds(self.duration_s, optional=True), "duration", self.duration_s, _SECONDS)
        for name, count in (("tokens", self.tokens), ("api_calls", self.api_calls)):
            yield from _unless(count is None or is_count(count), name, count, _COUNTS)
        for name, percent in (("warn_percent", self.warn_percent), ("finish_percent", self.finish_percent)):
            yield from _unless(_is_percent(percent), name, percent, _PERCENT)
        yield from _percent_problems(self.warn_percents)
        every = self.checkpoint_every_s
        yield from _unless(_is_seconds(every) and every > 0, "checkpoint_every", every, _INTERVAL)


def whole_limits(limits: Limits) -> dict[Measure, float]:
    """The limits that there are."""
    return {measure: limit for measure in PARAMETER if (limit := limits.of(measure)) is not None}


def _percent_problems(percents: object) -> Iterator[tuple[str, str]]:
    if not isinstance(percents, Mapping):
        yield from _unless(False, "warn_percents", percents, "must be percents by the name of a limit")
        return
    for measure, percent in percents.items():
        known = measure in set(Measure)
        yield from _unless(known, "warn_percents", measure, f"must be one of {', '.join(Measure)}")
        yield from _unless(_is_percent(percent), f"warn_percents[{measure}]", percent, _PERCENT)


def _unless(good: bool, name: str, value: object, allowed: str) -> Iterator[tuple[str, str]]:  # noqa: FBT001 - reads as a sentence
    if not good:
        yield name, f"Invalid value: {shown(value)}: {allowed}"


def _seconds(value: object) -> object:
    """The seconds that a text means; anything else, and a text that means none, as it came, to be refused later."""
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except InvalidDuration:
        return value


def _is_seconds(value: object, *, optional: bool = False) -> bool:
    if value is None:
        return optional
    return is_number(value) and 0.0 <= float(value) <= MAX_DURATION_S  # type: ignore[arg-type]


def is_count(value: object) -> bool:
    """Whether it is a count that everybody can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_percent(value: object) -> bool:
    return is_number(value) and 0.0 < float(value) <= 100.0  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """Whether it is a number with a value: no NaN, no infinity, no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
