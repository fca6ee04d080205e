"""Events of a YAML parser into plain values, within bounds, with the line of every field.

A second tree of lines stands beside the values, so that the values stay plain dictionaries and lists. Aliases share
what they stand for, in memory; what they would be when written out is counted, and that count is bounded.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

__all__ = ["Marks", "NotAllowed", "Values", "plain_value"]

#: Deeper than anything we declare (8), shallow enough for recursion.
MAX_DEPTH: Final = 50
#: Keys and values in one document, aliases written out. An Integration has some dozens; these take 0.1 s to read.
MAX_VALUES: Final = 10_000
_TAG: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_REAL: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_WHOLE: Final = 40


class NotAllowed(Exception):  # it is a verdict on the input, caught where the document is read
    """The document holds something that is refused. `line` counts from 0, as the parser does."""

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(slots=True)
class Marks:
    """On which line a value begins, and where its parts do; `size` is the number of values it is when written out."""

    line: int
    parts: dict[str | int, "Marks"] = field(default_factory=dict)
    size: int = 1


def plain_value(text: str) -> Any:
    """Give what an unquoted word means in YAML 1.2: null, a boolean, a decimal number, or the text itself."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _WHOLE.fullmatch(text) and len(text) <= _LONGEST_WHOLE:
        return int(text)
    # Infinity has no place in JSON: a number that is too large stays text, which no field that wants a number takes.
    if _REAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


@dataclass(slots=True)
class Values:
    """Reads one document from a parser's events."""

    events: Iterator[Any]
    anchors: dict[str, tuple[Any, Marks] | None] = field(default_factory=dict)
    count: int = 0

    def read(self, event: Any, depth: int = 0) -> tuple[Any, Marks]:
        """Give the value that begins with an event, and its lines. Raises NotAllowed."""
        line = event.start_mark.line
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), line)
        self._take(1, line)
        if depth > MAX_DEPTH:
            raise NotAllowed(f"nested deeper than {MAX_DEPTH} levels", line)
        if event.anchor:
            self.anchors[event.anchor] = None  # until it is complete: an alias inside would never end
        read = self._made(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = read
        return read

    def _made(self, event: Any, depth: int) -> tuple[Any, Marks]:
        marks = Marks(event.start_mark.line)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event), marks
        if isinstance(event, yaml.SequenceStartEvent):
            _plain_tag(event, "seq")
            return self._list(marks, depth), marks
        _plain_tag(event, "map")
        return self._object(marks, depth), marks

    def _list(self, marks: Marks, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            value, part = self.read(event, depth + 1)
            marks.parts[len(values)] = part
            marks.size += part.size
            values.append(value)
        return values

    def _object(self, marks: Marks, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[tuple[Any, Marks]] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, line = _key(event), event.start_mark.line
            self._take(1, line)
            value, part = self.read(next(self.events), depth + 1)
            if key == "<<" and event.implicit[0]:
                merged.append((value, part))
                continue
            if key in values:
                raise NotAllowed(f'the key "{key[:80]}" stands twice', line)
            values[key] = value
            # The key tells where a field stands; its value may begin on a later line.
            marks.parts[key] = Marks(line, part.parts, part.size)
            marks.size += part.size + 1
        for value, part in merged:
            self._merge(values, marks, value, part)
        return values

    def _merge(self, values: dict[str, Any], marks: Marks, value: Any, part: Marks) -> None:
        """Add the fields of a merge key (`<<`) that the object does not have by itself."""
        sources = value if isinstance(value, list) else [value]
        places = [part.parts[at] for at in range(len(sources))] if isinstance(value, list) else [part]
        for source, place in zip(sources, places, strict=True):
            if not isinstance(source, dict):
                raise NotAllowed("a merge key (<<) must name an object", part.line)
            for key in source:
                if key not in values:
                    self._take(place.parts[key].size, part.line)
                    values[key], marks.parts[key] = source[key], place.parts[key]
                    marks.size += place.parts[key].size + 1

    def _alias(self, name: str, line: int) -> tuple[Any, Marks]:
        if name not in self.anchors:
            raise NotAllowed(f"the alias *{name[:80]} names nothing that stands before it", line)
        known = self.anchors[name]
        if known is None:
            raise NotAllowed(f"the alias *{name[:80]} stands inside of what it names", line)
        self._take(known[1].size, line)
        return known

    def _take(self, size: int, line: int) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            raise NotAllowed(f"more than {MAX_VALUES} values in one document, aliases written out", line)


def _plain_tag(event: Any, kind: str) -> None:
    if event.tag not in (None, "!", _TAG + kind):
        raise NotAllowed(f"the tag {event.tag[:80]} is not allowed", event.start_mark.line)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag is None:
        return plain_value(text) if event.implicit[0] else text
    if event.tag in ("!", _TAG + "str"):
        return text
    wanted = {"null": type(None), "bool": bool, "int": int, "float": float}.get(event.tag.removeprefix(_TAG))
    value = plain_value(text)
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is None or type(value) is not wanted:
        raise NotAllowed(f"the tag {event.tag[:80]} is not allowed here", event.start_mark.line)
    return value


def _key(event: Any) -> str:
    line = event.start_mark.line
    if not isinstance(event, yaml.ScalarEvent) or event.anchor:
        raise NotAllowed("a key must be a word", line)
    key = _scalar(event)
    if not isinstance(key, str):
        raise NotAllowed(f"the key {event.value[:80] or 'null'} is not a word: put it in quotes", line)
    return key
