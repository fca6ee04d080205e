"""JSON within bounds: how many values it may hold, how deep, which numbers. For both ends of a conversation.

What a stranger sends is measured before it is made: eight megabytes of empty lists take seconds to read, during which
nobody else is served, and thirty times their size (measured: 3.7 s, 240 MB). Loaded in every worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Never

__all__ = ["MOST_DEPTH", "MOST_VALUES", "Crowd", "crowded", "deep", "parsed"]

#: Lists, objects and what they hold. So many are read in 50 ms and take 10 MB.
MOST_VALUES: Final = 100_000
#: Nested deeper than any answer needs, shallow enough for whoever walks it by recursion.
MOST_DEPTH: Final = 64
#: After each comma or bracket there may be two strings, a name and its value.
_MOST_QUOTES: Final = 4 * MOST_VALUES + 2


class Crowd:
    """Counts the values of some JSON as it comes, told by its commas and brackets; those in strings are text.

    Without a pattern, which takes a second for the millions of strings that fit into 8 MiB. In pieces, since eight
    megabytes at once take 0.1 s, and who sends too many values has sent them long before its end.
    """

    def __init__(self) -> None:
        self.fed_bytes = 0
        self._values = self._quotes = 0
        self._in_string = self._escaped = False

    @property
    def full(self) -> bool:
        """Whether it holds more values than allowed, as far as it has come."""
        return self._values > MOST_VALUES or self._quotes > _MOST_QUOTES

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; cut anywhere."""
        self.fed_bytes += len(piece)
        around = self._strings(self._unescaped(piece))
        self._values += len(around) - len(around.translate(None, b",[{"))

    def _unescaped(self, piece: bytes) -> bytes:
        """Without backslashes and quotes that are escaped: what is escaped ends no string."""
        if self._escaped and piece:
            self._escaped, piece = False, piece[1:]
        piece = piece.replace(rb"\\", b"").replace(rb"\"", b"")
        self._escaped = self._escaped or piece.endswith(b"\\")
        return piece

    def _strings(self, piece: bytes) -> bytes:
        """What stands around the strings, also around one that does not end."""
        parts = piece.split(b'"')
        around = b"".join(parts[1 if self._in_string else 0 :: 2])
        self._quotes += len(parts) - 1
        self._in_string ^= len(parts) % 2 == 0
        return around


def crowded(body: bytes) -> bool:
    """Whether something that is whole holds more values than allowed."""
    crowd = Crowd()
    if len(body) > MOST_VALUES:
        crowd.feed(body)
    return crowd.full


def parsed(body: bytes) -> Any:
    """What stands in it. Raises ValueError (also for NaN, 1e999 and numbers of thousands of digits), RecursionError."""
    return json.loads(body.decode(), parse_constant=_no_number, parse_float=_finite)


def deep(document: object) -> bool:
    """Whether it is nested deeper than allowed. Level by level: no recursion, and leaves cost next to nothing."""
    level = [document]
    for _ in range(MOST_DEPTH):
        level = [part for whole in level for part in _parts(whole) if isinstance(part, dict | list | tuple)]
        if not level:
            return False
    return True


def _parts(whole: object) -> Iterable[object]:
    if isinstance(whole, dict):
        return whole.values()
    return whole if isinstance(whole, list | tuple) else ()


def _no_number(name: str) -> Never:
    raise ValueError(name)


def _finite(digits: str) -> float:
    """A number that a float can hold: 1e999 would become Infinity, which nobody can write down again."""
    number = float(digits)
    return number if number - number == 0.0 else _no_number(digits)
