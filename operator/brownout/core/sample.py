"""One look at the machine, as a value.

Percentages are of the *limit* in force (budget, node or cgroup; requirement S6). A sensor that failed leaves
None: unknown is a value of its own here, never zero and never "low".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from brownout.core.instant import Instant

EMPTY: Mapping[str, int] = MappingProxyType({})
# A sample older than this many intervals says nothing of now; a longer gap between two breaks the series.
STALE_AFTER_INTERVALS = 3.0


class Resource(StrEnum):
    """What is sampled as a percentage."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


class Witness(StrEnum):
    """Where a memory figure comes from; every decision names it."""

    NODE = "MemAvailable"
    CGROUP_V1 = "cgroup v1"
    CGROUP_V2 = "cgroup v2"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The machine at one instant.

    `footprints` holds, by integration key, the bytes that each running integration was *measured* to use at the
    same instant; `memory_used_bytes` minus their sum is the base load, which we forecast.
    """

    at: Instant
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_limit_bytes: int | None = None
    disk_free_bytes: int | None = None
    stall_percent: float | None = None  # PSI memory "some" avg10
    witness: Witness = Witness.NONE
    footprints: Mapping[str, int] = field(default_factory=lambda: EMPTY)

    def percent(self, resource: Resource) -> float | None:
        """The percentage of one resource, or None where it is not known or absurd."""
        return plausible(getattr(self, f"{resource.value}_percent"))

    @property
    def base_percent(self) -> float | None:
        """Memory that no integration of ours was measured to hold, in percent of the limit."""
        total = self.percent(Resource.MEMORY)
        if total is None or not self.memory_limit_bytes:
            return total
        ours = 100.0 * sum(self.footprints.values()) / self.memory_limit_bytes
        return max(0.0, total - ours)


def plausible(value: float | None) -> float | None:
    """A percentage that can be acted on, or None: NaN, infinities and negatives are not data.

    A budget may be smaller than what is in use, so more than 100 is real; more than 1000 is a broken sensor.
    """
    if value is None or not math.isfinite(value) or not 0.0 <= value <= 1000.0:
        return None
    return float(value)
