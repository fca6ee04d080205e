"""`python -m tests.bench [PART...]`: measure everything, or only the parts named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import box, cluster, decisions, emergency, training
from tests.bench.report import Figure, show

PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "decisions": decisions.figures,
    "box": box.figures,
    "emergency": emergency.figures,
    "training": training.figures,
    "cluster": cluster.figures,
}


def main(wanted: list[str]) -> int:
    """Measure and show; 2 for a part that does not exist."""
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        sys.stderr.write(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}\n")
        return 2
    found: list[Figure] = []
    for name in wanted or list(PARTS):
        sys.stderr.write(f"measuring {name} ...\n")
        found.extend(PARTS[name]())
    show(found, Path("bench.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
