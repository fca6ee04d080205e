"""The config that an integration gives its plugin: its own, over it what the plugin and then it say of a level.

Checked against the schema in plugin.yaml, in the same words by `brownout validate` before anything runs and by the
controller before a start. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from brownout.api.integration import Integration, Level
from brownout.api.problems import Problem, path_text, shown
from brownout.api.validation import Path
from brownout.core.ladder import with_levels
from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.setting import LineOf, check_config, no_line

__all__ = ["config_at", "config_problems", "levels_of"]

_CONFIG: Final = ("spec", "workload", "plugin", "config")


def config_at(
    manifest: Manifest, integration: Integration, level: Level | None, line_of: LineOf = no_line
) -> dict[str, Any] | tuple[Problem, ...]:
    """The config at a level (None: it has none), with the defaults; or everything that is wrong with it.

    Each problem has the path in the Integration at which it was said, and the line where somebody knows it.
    """
    plugin = integration.spec.workload.plugin
    base: Mapping[str, Any] = plugin.config if plugin else {}
    own = next((one.config for one in manifest.levels if level and one.name == level.name), {})
    ours = level.config if level else {}
    at = integration.spec.levels.index(level) if level in integration.spec.levels else 0

    def place(name: str) -> Path:
        return ("spec", "levels", at, "config", name) if name in ours else (*_CONFIG, name)

    if stranger := _stranger(manifest, level, at, line_of):
        return (stranger,)
    return check_config(manifest.config, {**base, **own, **ours}, place, line_of)


def _stranger(manifest: Manifest, level: Level | None, at: int, line_of: LineOf) -> Problem | None:
    """A level that the plugin does not know: it would be told a name that means nothing to it, and go on as before."""
    known = [one.name for one in manifest.levels]
    if level is None or not known or level.name in known:
        return None
    path: Path = ("spec", "levels", at, "name")
    allowed = f"must be a level of the plugin: {', '.join(known)}"
    return Problem(line=line_of(path), path=path_text(path), value=shown(level.name), allowed=allowed)


def levels_of(manifest: Manifest) -> tuple[Level, ...]:
    """The levels of a plugin as the ladder of an integration that leaves them to it.

    Without their config: that is the plugin's own, which `config_at` lays under what an integration says.
    """
    return tuple(level.model_copy(update={"config": {}}) for level in manifest.levels)


def config_problems(manifest: Manifest, integration: Integration, line_of: LineOf = no_line) -> tuple[Problem, ...]:
    """Everything that is wrong with its config at any of its levels, each once."""
    levels = with_levels(integration, levels_of(manifest)).spec.levels
    found = (config_at(manifest, integration, level, line_of) for level in levels or (None,))
    return tuple(dict.fromkeys(problem for each in found if isinstance(each, tuple) for problem in each))
