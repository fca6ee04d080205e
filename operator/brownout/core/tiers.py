"""Tiers: which thresholds are in force on which hardware (requirement D8). Pure.

The rules of deciding know no tiers: they are given the policy with the thresholds in force. What is not known of a
machine matches nothing, so that it is never treated as small or as large by mistake.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from brownout.api.policy import BrownoutPolicy, PolicySpec, Thresholds, Tier, TierMatch
from brownout.api.quantities import approximate_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a controller may use of its machine. None: not known; only what was looked for and is not there is False.

    `memory_bytes` is the limit in force: of budget, cgroup and node the least that counts. `cores` counts a CPU quota
    and may be a fraction. `gpu_memory_bytes` is that of the largest GPU, on which a model must fit.
    """

    memory_bytes: int | None = None
    cores: float | None = None
    gpu: bool | None = None
    gpu_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierInForce:
    """The tier that rules, and why, in a sentence. `tier` None: the policy's own thresholds do."""

    tier: Tier | None
    why: str


def tier_in_force(policy: PolicySpec, hardware: Hardware) -> TierInForce:
    """The tier that the owner names, else the first that matches, else none."""
    if policy.tier is not None:
        named = next((tier for tier in policy.tiers if tier.name == policy.tier), None)
        return TierInForce(tier=named, why=f"spec.tier names {policy.tier}")
    for tier in policy.tiers:
        if reasons := matches(tier.match, hardware):
            return TierInForce(tier=tier, why=" and ".join(reasons))
    return TierInForce(tier=None, why="no tier matches this machine" if policy.tiers else "the policy has no tiers")


def in_force(policy: PolicySpec, hardware: Hardware) -> PolicySpec:
    """The policy with the thresholds of the tier in force; itself where there is none."""
    tier = tier_in_force(policy, hardware).tier
    return policy if tier is None else policy.model_copy(update={"thresholds": tier.thresholds})


def thresholds_in_force(policy: BrownoutPolicy) -> Thresholds:
    """The thresholds of the tier that a policy's status names, for those who only see the object; else its own."""
    name = policy.status.tier if policy.status else None
    return next((tier.thresholds for tier in policy.spec.tiers if tier.name == name), policy.spec.thresholds)


def matches(match: TierMatch, hardware: Hardware) -> tuple[str, ...]:
    """Why hardware matches, a clause for each thing that is asked; nothing where it does not, or nobody knows."""
    clauses = tuple(_clauses(match, hardware))
    return () if "" in clauses else clauses


def _clauses(match: TierMatch, hardware: Hardware) -> Iterator[str]:
    """A clause for each thing that is asked: empty where it does not hold."""
    yield from _size("memory", hardware.memory_bytes, below=match.memory_below, at_least=match.memory_at_least)
    yield from _cores(match, hardware.cores)
    if match.gpu is not None:
        yield "" if hardware.gpu is not match.gpu else "it has a GPU" if match.gpu else "it has no GPU"
    yield from _size("GPU memory", hardware.gpu_memory_bytes, below=match.gpu_memory_below, at_least=None)


def _size(what: str, have: int | None, *, below: int | None, at_least: int | None) -> Iterator[str]:
    if below is not None:
        held = have is not None and have < below
        yield f"{what} {approximate_bytes(have or 0)} is below {approximate_bytes(below)}" if held else ""
    if at_least is not None:
        held = have is not None and have >= at_least
        yield f"{what} {approximate_bytes(have or 0)} is at least {approximate_bytes(at_least)}" if held else ""


def _cores(match: TierMatch, have: float | None) -> Iterator[str]:
    if match.cores_below is not None:
        yield f"{have:g} cores are below {match.cores_below:g}" if have is not None and have < match.cores_below else ""
    if match.cores_at_least is not None:
        enough = have is not None and have >= match.cores_at_least
        yield f"{have:g} cores are at least {match.cores_at_least:g}" if enough else ""
