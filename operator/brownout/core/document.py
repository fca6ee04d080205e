"""Reading a document that may be damaged: every figure is checked before it becomes a value, and the fault is named."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brownout.core.errors import InvalidInput

_MOST_SHOWN = 60
_LARGEST = 1e15  # seconds, bytes and percent are far below; a square of it is still finite


@dataclass(frozen=True, slots=True)
class Part:
    """An object of a document, and where it stands in it. What is asked of it is there and sound, or InvalidInput."""

    fields: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "") -> "Part":
        """The object at a place."""
        if not isinstance(value, dict):
            raise _fault(path or "the document", value, "an object")
        return cls(value, path)

    def number(self, name: str, *, least: float = -_LARGEST, most: float = _LARGEST) -> float:
        """A finite number within bounds."""
        return _number(self.fields.get(name), self._at(name), least, most)

    def whole(self, name: str, *, least: int = 0, most: int = int(_LARGEST)) -> int:
        """A whole number within bounds."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _fault(self._at(name), value, f"a whole number from {least} to {most}")
        return value

    def numbers(self, name: str, *, count: int) -> tuple[float, ...]:
        """So many finite numbers."""
        items = self._items(name, count)
        return tuple(_number(item, f"{self._at(name)}[{place}]", -_LARGEST, _LARGEST) for place, item in items)

    def rows(self, name: str, *, rows: int, columns: int) -> tuple[tuple[float, ...], ...]:
        """So many rows of so many finite numbers."""
        items = self._items(name, rows)
        return tuple(Part({"": item}, f"{self._at(name)}[{place}]").numbers("", count=columns) for place, item in items)

    def text(self, name: str, *, most: int = 500) -> str:
        """A text of bounded length."""
        value = self.fields.get(name)
        if not isinstance(value, str) or len(value) > most:
            raise _fault(self._at(name), value, f"a text of at most {most} characters")
        return value

    def part(self, name: str) -> "Part | None":
        """An object inside; None where there is none."""
        value = self.fields.get(name)
        return None if value is None else Part.of(value, self._at(name))

    def needed(self, name: str) -> "Part":
        """An object inside that must be there."""
        return Part.of(self.fields.get(name), self._at(name))

    def parts(self, name: str, *, most: int) -> tuple["Part", ...]:
        """A list of objects, not too many."""
        value = self.fields.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise _fault(self._at(name), value, f"a list of at most {most} objects")
        return tuple(Part.of(item, f"{self._at(name)}[{place}]") for place, item in enumerate(value))

    def _items(self, name: str, count: int) -> Iterator[tuple[int, object]]:
        value = self.fields.get(name)
        if not isinstance(value, list) or len(value) != count:
            raise _fault(self._at(name), value, f"a list of {count}")
        yield from enumerate(value)

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}".strip(".")


def _number(value: object, path: str, least: float, most: float) -> float:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (isinstance(value, float) or whole) or not _within(value, least, most):
        raise _fault(path, value, f"a finite number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]  # it is one of the two


def _within(value: Any, least: float, most: float) -> bool:
    return math.isfinite(value) and least <= value <= most if isinstance(value, float) else least <= value <= most


def _fault(path: str, value: object, allowed: str) -> InvalidInput:
    shown = repr(value)
    shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."
    return InvalidInput(f"{path} is {shown}", advice=f"it must be {allowed}")
