"""What of the configs of plugins may be shown to whoever asks: only what the plugin's own manifest says is no secret.

A name tells little: what one author calls `pin` another calls `password`. So nothing is shown that no manifest speaks
of: while it was never read (not trusted, not there, run by another node's agent) not one value is. Of one that cannot
be read any more the last one counts: while its author edits it, what is shown stays as it was.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from brownout.api.integration import Integration

__all__ = ["COVER", "Secrecy"]

#: What stands in the place of a value that is not shown, as everywhere.
COVER: Final = "***"
_NOTHING: Final[frozenset[str]] = frozenset()


class Secrecy:
    """By key of an integration: the names in its plugin's config whose values may be shown. Any thread may ask."""

    def __init__(self) -> None:
        self._open: dict[str, frozenset[str]] = {}

    def disclose(self, key: str, names: AbstractSet[str]) -> None:
        """From now on these may be shown, and no others."""
        self._open[key] = frozenset(names)

    def forget(self, key: str) -> None:
        """It is no longer declared: of a successor nothing is known."""
        self._open.pop(key, None)

    def covered(self, key: str, integration: Integration) -> Integration:
        """The integration as it may be shown; one that runs no plugin as it is."""
        plugin = integration.spec.workload.plugin
        if plugin is None:
            return integration
        names = self._open.get(key, _NOTHING)
        shown = plugin.model_copy(update={"config": _covered(plugin.config, names)})
        workload = integration.spec.workload.model_copy(update={"plugin": shown})
        levels = tuple(
            level.model_copy(update={"config": _covered(level.config, names)}) for level in integration.spec.levels
        )
        spec = integration.spec.model_copy(update={"workload": workload, "levels": levels})
        return integration.model_copy(update={"spec": spec})


def _covered(config: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value if name in names else COVER for name, value in config.items()}
