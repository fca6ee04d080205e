"""Rules between the fields of an Integration: its levels, its dependencies, and what a level may say to which workload.

They look at what was written, which may be of any shape; what is malformed is told by the fields themselves.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from brownout.api.rules import Location, Rule

__all__ = ["LADDER_RULES", "NOT_ITSELF"]

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_REPLICAS: Final = 100_000


def _get(part: object, name: str) -> object:
    """Give a field of a part of a document, or of a model that was made in Python."""
    return part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _twice(values: list[object]) -> int | None:
    """Give the index of the first text that stood before."""
    seen: set[str] = set()
    for at, text in enumerate(values):
        if isinstance(text, str) and text in seen:
            return at
        seen.add(str(text))
    return None


def _level_twice(levels: object) -> Location | None:
    at = _twice([_get(level, "name") for level in _items(levels)])
    return None if at is None else ("levels", at, "name")


def _dependency_twice(depends_on: object) -> Location | None:
    at = _twice(_items(depends_on))
    return None if at is None else ("dependsOn", at)


def _configs(levels: object) -> Iterator[tuple[int, str, object]]:
    for at, level in enumerate(_items(levels)):
        config = _get(level, "config")
        for key, value in config.items() if isinstance(config, Mapping) else ():
            yield at, key, value


def _not_environment(workload: object, levels: object) -> Location | None:
    if _get(workload, "command") is None:
        return None
    wrong = (
        ("levels", at, "config", key)
        for at, key, value in _configs(levels)
        if not isinstance(value, str) or "\x00" in value or not _VARIABLE.fullmatch(key)
    )
    return next(wrong, None)


def _not_replicas(workload: object, levels: object) -> Location | None:
    if _get(workload, "scale") is None:
        return None
    wrong = (
        ("levels", at, "config", key)
        for at, key, value in _configs(levels)
        if key != "replicas" or isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_REPLICAS
    )
    return next(wrong, None)


def _unit_has_config(workload: object, levels: object) -> Location | None:
    if _get(workload, "systemd") is None:
        return None
    return next((("levels", at, "config", key) for at, key, _ in _configs(levels)), None)


def _itself(metadata: object, spec: object) -> Location | None:
    needs = _items(_get(spec, "dependsOn") or _get(spec, "depends_on"))
    name = _get(metadata, "name")
    return ("spec", "dependsOn", needs.index(name)) if name in needs else None


LADDER_RULES: Final = (
    Rule(
        fields=("levels",),
        fault=_level_twice,
        message="level names must be unique",
        cel="!has(self.levels) || self.levels.all(x, self.levels.exists_one(y, y.name == x.name))",
        kind="duplicate",
    ),
    # The API server holds this one by itself: the list is declared as a set.
    Rule(fields=("depends_on",), fault=_dependency_twice, message="", kind="duplicate"),
    # CEL cannot look into a config, which may hold anything; the controller refuses these in its condition Accepted.
    Rule(
        fields=("workload", "levels"),
        fault=_not_environment,
        message="must be an environment variable with a string, because the workload is a command",
    ),
    Rule(
        fields=("workload", "levels"),
        fault=_not_replicas,
        message=f"must be replicas, a whole number from 1 to {_MAX_REPLICAS}, because the workload is a scale",
    ),
    Rule(
        fields=("workload", "levels"),
        fault=_unit_has_config,
        message="must be left out, because a systemd unit takes no configuration",
    ),
)
NOT_ITSELF: Final = Rule(
    fields=("metadata", "spec"),
    fault=_itself,
    message="must not be the integration itself",
    cel="!has(self.spec.dependsOn) || !self.spec.dependsOn.exists(name, name == self.metadata.name)",
)
