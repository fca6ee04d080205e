"""What a run has used. It only grows: a record is never negative."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from brownout.api.problems import shown
from brownout.core.budget.limits import MOST, is_count
from brownout.core.budget.measure import Measure
from brownout.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Amounts used. Raises InvalidInput for a negative, broken or absurd one."""

    elapsed_s: float = 0.0
    tokens: int = 0
    api_calls: int = 0

    def __post_init__(self) -> None:
        if not (is_count(self.tokens) and is_count(self.api_calls) and 0.0 <= self.elapsed_s < math.inf):
            raise InvalidInput("; ".join(self._problems()))

    def _problems(self) -> Iterator[str]:
        for name, value in (("tokens", self.tokens), ("api_calls", self.api_calls)):
            if not is_count(value):
                yield f"{name}: Invalid value: {shown(value)}: must be a whole number from 0 to {MOST}"
        if not 0.0 <= self.elapsed_s < math.inf:
            yield f"elapsed_s: Invalid value: {self.elapsed_s}: must be seconds, 0 or more"

    def __add__(self, more: "Usage") -> "Usage":
        """Both together. A count that reaches 2^53 stays there."""
        return Usage(
            elapsed_s=self.elapsed_s + more.elapsed_s,
            tokens=min(MOST, self.tokens + more.tokens),
            api_calls=min(MOST, self.api_calls + more.api_calls),
        )

    def of(self, measure: Measure) -> float:
        """What was used of one measure."""
        match measure:
            case Measure.DURATION:
                return self.elapsed_s
            case Measure.TOKENS:
                return self.tokens
            case Measure.API_CALLS:
                return self.api_calls


NOTHING_USED = Usage()
