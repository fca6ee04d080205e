"""What only shows when all Integrations are seen together: circles of dependencies, and two that switch one thing.

A dependency that does not exist is no fault: it may come later, and until then the integration waits for it.
"""

from collections.abc import Iterable, Mapping, Sequence

from brownout.api.integration import Integration
from brownout.api.problems import Problem, shown

__all__ = ["check_together"]

_Key = tuple[str, str]


def check_together(integrations: Iterable[Integration]) -> Mapping[str, tuple[Problem, ...]]:
    """Give the problems of each integration that has any, by `namespace/name`, or `name` where it has no namespace."""
    by_age = sorted(integrations, key=lambda one: (one.metadata.creation_timestamp or "", *_key(one)))
    found: dict[str, tuple[Problem, ...]] = {}
    for key, problem in [*_circles(by_age), *_shared_targets(by_age)]:
        name = "/".join(filter(None, key))
        found[name] = (*found.get(name, ()), problem)
    return found


def _key(integration: Integration) -> _Key:
    return (integration.metadata.namespace, integration.metadata.name)


def _shared_targets(by_age: Sequence[Integration]) -> list[tuple[_Key, Problem]]:
    """Refuse the younger of two that switch one thing: the one that works must not be lost to a later mistake."""
    owners: dict[tuple[str, str, str], _Key] = {}
    found = []
    for one in by_age:
        target = one.spec.workload.target
        # A unit belongs to its machine, whatever the namespace; anything that scales belongs to its namespace.
        place = (one.spec.node, "", target) if one.spec.workload.systemd else (one.metadata.namespace, "", target)
        if target and (owner := owners.setdefault(place, _key(one))) != _key(one):
            allowed = f"{target} is already switched by {'/'.join(filter(None, owner))}"
            found.append((_key(one), Problem(path="spec.workload", value=shown({}), allowed=allowed)))
    return found


def _circles(by_age: Sequence[Integration]) -> list[tuple[_Key, Problem]]:
    needs = {_key(one): [(one.metadata.namespace, need) for need in one.spec.depends_on] for one in by_age}
    found = []
    for start in needs:
        if circle := _way_back(start, needs):
            words = " -> ".join(name for _, name in circle)
            problem = Problem(path="spec.dependsOn", value=shown(circle[1][1]), allowed=f"makes a circle: {words}")
            found.append((start, problem))
    return found


def _way_back(start: _Key, needs: Mapping[_Key, list[_Key]]) -> list[_Key]:
    """Give the shortest way along dependencies from `start` to itself; empty where there is none.

    Breadth first and without recursion: a chain of a thousand must not end in a full stack.
    """
    came_from: dict[_Key, _Key] = {}
    front = [start]
    while front:
        following = []
        for one in front:
            for need in needs.get(one, ()):
                if need == start:
                    return [*reversed(_trail(one, start, came_from)), start]
                if need in needs and need not in came_from:
                    came_from[need] = one
                    following.append(need)
        front = following
    return []


def _trail(end: _Key, start: _Key, came_from: Mapping[_Key, _Key]) -> list[_Key]:
    trail = [end]
    while trail[-1] != start:
        trail.append(came_from[trail[-1]])
    return trail
