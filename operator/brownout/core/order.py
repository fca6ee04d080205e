"""The degradation order: who goes first, and who never goes.

Lowest priority first; on a tie the larger footprint, then the name. What others depend on is as important as the
most important of them and goes after them; it comes back before them.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from brownout.core.member import Member

Dependents = Mapping[str, tuple[str, ...]]


def degradation_order(members: Iterable[Member]) -> tuple[Member, ...]:
    """All members, the first to go first. The same members give the same order however they are listed."""
    by_key = {member.key: member for member in members}
    dependents = _dependents(by_key)
    return tuple(sorted(by_key.values(), key=partial(_place, by_key, dependents)))


def protected(members: Iterable[Member]) -> frozenset[str]:
    """Keys of the members that are never lowered nor disabled: the essential, and what they depend on."""
    by_key = {member.key: member for member in members}
    essential = (key for key, member in by_key.items() if member.integration.spec.essential and member.wanted)
    return with_needs(essential, by_key)


def with_needs(keys: Iterable[str], by_key: Mapping[str, Member]) -> frozenset[str]:
    """These and all that they depend on, directly or not, as far as it is declared."""
    todo = list(keys)
    found: set[str] = set()
    while todo:
        key = todo.pop()
        if key not in found and key in by_key:
            found.add(key)
            todo.extend(by_key[key].needs)
    return frozenset(found)


def _dependents(by_key: Mapping[str, Member]) -> Dependents:
    """For each key that anything depends on, the wanted members that do; most members stand alone and are absent."""
    found: dict[str, list[str]] = {}
    needy = (item for item in by_key.items() if item[1].integration.spec.depends_on or item[1].observed.requires)
    for key, member in needy:
        for needed in member.needs:
            if needed in by_key and member.wanted:
                found.setdefault(needed, []).append(key)
    return {key: tuple(sorted(keys)) for key, keys in found.items()}


def _place(by_key: Mapping[str, Member], dependents: Dependents, member: Member) -> tuple[int, int, int, str]:
    above, priority = 1, member.integration.spec.priority
    if member.key in dependents:
        keys = _all_above(member.key, dependents)
        above, priority = len(keys), max(by_key[key].integration.spec.priority for key in keys)
    size = member.footprints[0].steady_bytes if member.footprints else 0
    return (priority, above, -size, member.key)


def _all_above(key: str, dependents: Dependents) -> frozenset[str]:
    """The member and everything that needs it, directly or not; a cycle (refused elsewhere) ends here too.

    It has strictly more above it than any of its dependents has, so its count sorts it behind them.
    """
    found: set[str] = set()
    todo = [key]
    while todo:
        current = todo.pop()
        if current not in found:
            found.add(current)
            todo.extend(dependents.get(current, ()))
    return frozenset(found)
