"""How soon the sentinel looks again: the nearer the edge and the faster the fill, the sooner."""

from brownout.core.sample import plausible

# Faster than ten times a second costs more than it sees: at 0.1 s a box that fills by 1 GB/s moves 100 MB, under
# 1 % of 12 GB, between two looks.
FASTEST_S = 0.1


def fill_rate(
    before_percent: float | None, used_percent: float | None, *, elapsed_s: float, held: float = 0.0
) -> float:
    """Percent per second between two looks. A faster one that was `held` until now fades by half with each look:
    memory is taken in bursts, and a look between two of them is no calm.

    >>> fill_rate(60.0, 70.0, elapsed_s=0.5)
    20.0
    >>> fill_rate(94.0, 94.0, elapsed_s=0.1, held=30.0)
    15.0
    """
    before, used = plausible(before_percent), plausible(used_percent)
    if before is None or used is None or used <= before or elapsed_s <= 0.0:
        return held / 2.0
    return max((used - before) / elapsed_s, held / 2.0)


def pause_s(used_percent: float | None, *, rate: float, edge_percent: float, slowest_s: float) -> float:
    """Seconds until the next look: headroom over fill rate, between 0.1 s and the policy's sentinel interval.

    >>> pause_s(70.0, rate=10.0, edge_percent=95.0, slowest_s=1.0)
    1.0
    >>> pause_s(90.0, rate=10.0, edge_percent=95.0, slowest_s=1.0)
    0.25
    """
    used = plausible(used_percent)
    if used is None or rate <= 0.0:
        return slowest_s
    # Half of the time left, so that there is a look before the edge and not just on it.
    left_s = max(0.0, edge_percent - used) / rate
    return min(slowest_s, max(FASTEST_S, left_s / 2.0))
