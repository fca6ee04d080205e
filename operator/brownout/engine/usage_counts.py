"""Usage counts: what integrations used up, as whoever serves them tells it (the plugin host, a gateway).

Held in memory until the next look at the budgets writes it down, seconds later. A program that can reach the store or
REST tells it there; this is for what runs in our own process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

#: A count of more is none: every reader of JSON holds integers up to here.
_MOST: Final = 2**53
#: Integrations that are counted between two looks; nobody declares more.
_MOST_KEYS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Tokens and calls of an API that were used."""

    tokens: int = 0
    api_calls: int = 0

    def __add__(self, more: "Told") -> "Told":
        """Both together."""
        return Told(tokens=min(_MOST, self.tokens + more.tokens), api_calls=min(_MOST, self.api_calls + more.api_calls))


NOTHING_TOLD: Final = Told()


class UsageMeter(Protocol):
    """What integrations used, as whoever serves them counts it. Synchronous, from memory."""

    def take(self) -> Mapping[str, Told]:
        """By key, what was used since the last call: each use is given once."""
        ...


class UsageCounts:
    """A UsageMeter. `count` is called by whoever serves an integration, as often as it likes; from one thread."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def count(self, key: str, *, tokens: int = 0, api_calls: int = 0) -> None:
        """An integration has used so many tokens and calls. What makes no sense (negative, absurd) counts as none."""
        if key in self._told or len(self._told) < _MOST_KEYS:
            more = Told(tokens=_sound(tokens), api_calls=_sound(api_calls))
            self._told[key] = self._told.get(key, NOTHING_TOLD) + more

    def take(self) -> Mapping[str, Told]:
        """What was told since the last call."""
        told, self._told = self._told, {}
        return MappingProxyType(told)


def _sound(count: int) -> int:
    return count if 0 <= count <= _MOST else 0
