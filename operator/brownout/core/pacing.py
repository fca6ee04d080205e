"""How soon the sentinel looks again: the nearer the edge and the faster the fill, the sooner."""

from brownout.core.sample import plausible

# Faster than ten times a second costs more than it sees: at 0.1 s a box that fills by 1 GB/s moves 100 MB, under
# 1 % of 12 GB, between two looks.
FASTEST_S = 0.1


def pause_s(
    before_percent: float | None, used_percent: float | None, *, elapsed_s: float, edge_percent: float, slowest_s: float
) -> float:
    """Seconds until the next look: headroom over fill rate, between 0.1 s and the policy's sentinel interval.

    >>> pause_s(60.0, 70.0, elapsed_s=1.0, edge_percent=95.0, slowest_s=1.0)
    1.0
    >>> pause_s(80.0, 90.0, elapsed_s=1.0, edge_percent=95.0, slowest_s=1.0)
    0.25
    """
    before, used = plausible(before_percent), plausible(used_percent)
    if before is None or used is None or used <= before or elapsed_s <= 0.0:
        return slowest_s
    headroom = max(0.0, edge_percent - used)
    # Half of the time left, so that there is a look before the edge and not just on it.
    left_s = headroom / ((used - before) / elapsed_s)
    return min(slowest_s, max(FASTEST_S, left_s / 2.0))
