"""`python -m tests.bench [PART...]`: measure everything, or only the parts named.

Only where it is named: `hour`, a compressed hour on this machine beside the simulator's prediction (5 minutes, 2.4 GB).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    box,
    budgets,
    cases,
    cluster,
    decisions,
    discovery,
    emergency,
    goals,
    health,
    hour,
    levels,
    neighbours,
    plugins,
    proxy,
    training,
)
from tests.bench.report import Figure, show

PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "decisions": decisions.figures,
    "cases": cases.figures,
    "goals": goals.figures,
    "levels": levels.figures,
    "health": health.figures,
    "box": box.figures,
    "budgets": budgets.figures,
    "emergency": emergency.figures,
    "training": training.figures,
    "discovery": discovery.figures,
    "plugins": plugins.figures,
    "neighbours": neighbours.figures,
    "cluster": cluster.figures,
    "proxy": proxy.figures,
    "hour": hour.figures,
}
ONLY_NAMED = ("hour",)


def main(wanted: list[str]) -> int:
    """Measure and show; 2 for a part that does not exist."""
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        sys.stderr.write(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}\n")
        return 2
    found: list[Figure] = []
    for name in wanted or [part for part in PARTS if part not in ONLY_NAMED]:
        sys.stderr.write(f"measuring {name} ...\n")
        found.extend(PARTS[name]())
    show(found, Path("bench.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
