"""How long a workload waits before it is tried again, so that one that exits at once costs next to nothing; and how
long the circuit of one that fails stays open.
"""

from typing import Final

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential, wait_exponential_jitter, wait_random

from brownout.core.breaker import FIRST_WAIT_S, LONGEST_WAIT_S

__all__ = ["HEALTHY_AFTER_S", "circuit_wait_s", "delay_s"]

#: A run that lived this long was a good one: the next failure counts as the first again.
HEALTHY_AFTER_S: Final = 60.0

# 1, 2, 4, 8, 16, 32, 60, 60, ... seconds, each with up to a second more by chance, so that workloads that fell
# together do not come back together. At 60 s a broken workload is tried 1440 times a day.
_WAIT: Final = wait_exponential_jitter(initial=1, max=60, exp_base=2, jitter=1)


# 5, 10, 20, 30, 30, ... seconds, each with up to half of the first one more by chance, so that circuits which opened
# together are not tried together.
_CIRCUIT: Final = wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S) + wait_random(0, FIRST_WAIT_S / 2)


def delay_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row (1 or more)."""
    return _WAIT(_attempt(failures))


def circuit_wait_s(openings: int) -> float:
    """Seconds that a circuit stays open before its trial, after so many openings in a row (1 or more)."""
    return _CIRCUIT(_attempt(openings))


def _attempt(number: int) -> RetryCallState:
    state = RetryCallState(retry_object=_NEVER_RUN, fn=None, args=(), kwargs={})
    state.attempt_number = number
    return state


_NEVER_RUN: Final = Retrying()
