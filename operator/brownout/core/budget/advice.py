"""Whether a run should go on: requirement B4 to the letter.

OK: go on. Approaching with at least 80 % of the work done: go on, and finish. Approaching with less: stop gracefully,
with partial results. Exceeded: stop.
"""

from enum import StrEnum

from brownout.api.problems import shown
from brownout.core.budget.assessment import Assessment, BudgetState
from brownout.core.budget.limits import is_number
from brownout.core.errors import InvalidInput


class Advice(StrEnum):
    """What a run should do now."""

    CONTINUE = "Continue"
    FINISH = "Finish"  # nearly done: begin nothing new, bring it to its end
    STOP_GRACEFULLY = "StopGracefully"  # keep the partial results and end
    STOP_EXCEEDED = "StopExceeded"

    @property
    def go(self) -> bool:
        """Whether to go on."""
        return self in {Advice.CONTINUE, Advice.FINISH}


def should_continue(
    assessment: Assessment, progress: float | None, finish_percent: float = 80.0, *, stop_asked: bool = False
) -> Advice:
    """What to do with so much of the work done: `progress` from 0 to 1, None where nobody knows it.

    Unknown progress is not nearly done. Whoever was asked to stop stops gracefully. Raises InvalidInput for a
    progress that is none.
    """
    done = checked_progress(progress)
    if assessment.state is BudgetState.EXCEEDED:
        return Advice.STOP_EXCEEDED
    if stop_asked:
        return Advice.STOP_GRACEFULLY
    if assessment.state is BudgetState.OK:
        return Advice.CONTINUE
    # Compared as shares: 0.29 is the double nearest to 29 / 100, while 100 * 0.29 is below 29.
    nearly_done = done is not None and done >= finish_percent / 100
    return Advice.FINISH if nearly_done else Advice.STOP_GRACEFULLY


def checked_progress(progress: float | None) -> float | None:
    """The progress itself. Raises InvalidInput unless it is a number from 0 to 1, or None."""
    if progress is None:
        return None
    if not is_number(progress) or not 0.0 <= progress <= 1.0:
        raise InvalidInput(f"progress: Invalid value: {shown(progress)}: must be a number from 0 to 1, such as 0.85")
    return float(progress)
