"""Rules about the tiers of a BrownoutPolicy: each says which machines it is for, and all can be told apart by name."""

from collections.abc import Iterator, Mapping
from typing import Final

from brownout.api.rules import Location, Rule

__all__ = ["AT_LEAST_ONE_MATCH", "TIER_RULES"]

_MATCHES: Final = {
    "memory_below": "memoryBelow",
    "memory_at_least": "memoryAtLeast",
    "cores_below": "coresBelow",
    "cores_at_least": "coresAtLeast",
    "gpu": "gpu",
    "gpu_memory_below": "gpuMemoryBelow",
}


def _names(tiers: object) -> Iterator[object]:
    """Give the name of each tier, of models or as they were written."""
    for tier in tiers if isinstance(tiers, list | tuple) else ():
        yield tier.get("name") if isinstance(tier, Mapping) else getattr(tier, "name", None)


def _tier_twice(tiers: object) -> Location | None:
    seen: set[str] = set()
    for at, name in enumerate(_names(tiers)):
        if isinstance(name, str) and name in seen:
            return ("tiers", at, "name")
        seen.add(str(name))
    return None


def _no_such_tier(tier: object, tiers: object) -> Location | None:
    """Where a name or the list is itself unsound, that is told by its own field."""
    names = list(_names(tiers))
    sound = isinstance(tiers, list | tuple) and all(isinstance(name, str) for name in (tier, *names))
    return ("tier",) if sound and tier not in names else None


AT_LEAST_ONE_MATCH: Final = Rule(
    fields=tuple(_MATCHES),
    fault=lambda *values: None if any(value is not None for value in values) else (),
    message=f"at least one of {', '.join(list(_MATCHES.values())[:-1])} and {list(_MATCHES.values())[-1]} must be set",
    cel=" || ".join(f"has(self.{name})" for name in _MATCHES.values()),
)
TIER_RULES: Final = (
    Rule(
        fields=("tiers",),
        fault=_tier_twice,
        message="tier names must be unique",
        cel="!has(self.tiers) || self.tiers.all(x, self.tiers.exists_one(y, y.name == x.name))",
        kind="duplicate",
    ),
    Rule(
        fields=("tier", "tiers"),
        fault=_no_such_tier,
        message="tier must be the name of one of tiers",
        cel="!has(self.tier) || (has(self.tiers) && self.tiers.exists(x, x.name == self.tier))",
    ),
)
