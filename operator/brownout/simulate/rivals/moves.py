"""The moves that the rivals share: one thing down, one up, everything off. What is essential never moves."""

from collections.abc import Mapping

from brownout.simulate.contender import Seen, SeenThing

NOTHING: Mapping[str, int] = {}


def one_down(seen: Seen) -> Mapping[str, int]:
    """The first in degradation order that is on goes off."""
    return next((_off(one) for one in _movable(seen) if one.on), NOTHING)


def largest_down(seen: Seen) -> Mapping[str, int]:
    """The one that holds most goes off; of equals the first in degradation order."""
    running = [one for one in _movable(seen) if one.on]
    return _off(max(running, key=lambda one: one.percent)) if running else NOTHING


def one_up(seen: Seen) -> Mapping[str, int]:
    """The most important that is off comes back at its best."""
    return next(({one.thing.name: 0} for one in reversed(_movable(seen)) if not one.on), NOTHING)


def all_down(seen: Seen) -> Mapping[str, int]:
    """Everything but the essential goes off."""
    return {one.thing.name: one.thing.off for one in _movable(seen) if one.on}


def _movable(seen: Seen) -> tuple[SeenThing, ...]:
    return tuple(one for one in seen.things if not one.thing.essential)


def _off(one: SeenThing) -> Mapping[str, int]:
    return {one.thing.name: one.thing.off}
