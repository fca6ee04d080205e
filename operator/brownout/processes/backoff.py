"""How long a workload waits before it is tried again, so that one that exits at once costs next to nothing."""

from typing import Final

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential_jitter

__all__ = ["HEALTHY_AFTER_S", "delay_s"]

#: A run that lived this long was a good one: the next failure counts as the first again.
HEALTHY_AFTER_S: Final = 60.0

# 1, 2, 4, 8, 16, 32, 60, 60, ... seconds, each with up to a second more by chance, so that workloads that fell
# together do not come back together. At 60 s a broken workload is tried 1440 times a day.
_WAIT: Final = wait_exponential_jitter(initial=1, max=60, exp_base=2, jitter=1)


def delay_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row (1 or more)."""
    state = RetryCallState(retry_object=_NEVER_RUN, fn=None, args=(), kwargs={})
    state.attempt_number = failures
    return _WAIT(state)


_NEVER_RUN: Final = Retrying()
