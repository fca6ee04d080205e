"""The vocabulary in which a manifest says what its config may hold, and the check of a config against it.

It is the part of JSON Schema that a config needs (type, default, minimum, maximum, pattern, enum, items), with two
kinds of text that the rest of our files has as well: durations and amounts of memory. Each kind is one of the wire's
own leaves, so a config is refused in the words of everything else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, core_schema
from typing_extensions import override

from brownout.api.leaves import Choice, Flag, Leaf, Number, Text, Whole, refuse
from brownout.api.problems import Fault, Problem, path_text, shown
from brownout.api.quantities import Duration, Quantity
from brownout.api.rules import Location, Rule, Ruled
from brownout.api.validation import Path

__all__ = ["Kind", "LineOf", "Setting", "check_config", "no_line", "open_names", "secret_texts"]

_EXACT: Final = 2**53  # the largest whole number that JSON's readers agree on
_MOST_ITEMS: Final = 1000
_LONGEST: Final = 4096
_PATTERN_ALLOWED: Final = "must be a regular expression, without look-around and back-references"
_SHORTEST_SECRET: Final = 4
_MASK: Final = '"******"'

LineOf = Callable[[Path], int | None]


class Kind(StrEnum):
    """What a config entry is. A duration reaches the plugin in seconds, memory in bytes."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    MEMORY = "memory"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, kw_only=True)
class _Word(Leaf):
    """One of the words that a manifest lists."""

    of: tuple[str, ...]

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        return value if value in self.of else refuse(", ".join(f'"{word}"' for word in self.of), "unsupported")


@dataclass(frozen=True, kw_only=True)
class _Patterned(Leaf):
    """A string that a pattern of a manifest matches as a whole."""

    pattern: str

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        allowed = f"must match {self.pattern}"
        text = Text(allowed=allowed, longest=_LONGEST).accept(value, wire=wire)
        return text if _matcher(self.pattern).isinstance_python(text) else refuse(allowed)


@lru_cache(maxsize=2)  # a list has one pattern for its thousand items; more is not kept, for one may take 10 MB
def _matcher(pattern: str) -> SchemaValidator:
    """What matches a pattern, in a time that grows with the text and no faster. Raises SchemaError.

    The manifest is a stranger's, and is read before anybody has said yes to it. Python's `re` can be made to search for
    years, with the interpreter's lock in its hand; this engine cannot, and refuses what would take more than 10 MB.
    """
    whole = core_schema.str_schema(pattern=rf"\A(?:{pattern})\z", regex_engine="rust-regex")
    return SchemaValidator(whole)


def _unreadable_pattern(pattern: object) -> Location | None:
    said = pattern if isinstance(pattern, str) else ""
    try:
        SchemaValidator(core_schema.str_schema(pattern=said, regex_engine="rust-regex"))  # by itself: `a)|(b` is none
        _matcher(said)
    except SchemaError:
        return ("pattern",)
    return None


class Setting(Ruled):
    """One entry of the config: what it is, and what it may be."""

    type: Annotated[Kind, Choice(of=Kind)] = Field(description="What it is.")
    description: Annotated[str, Text(longest=512)] = Field(default="", description="What it means, for its reader.")
    default: Any = Field(default=None, description="What it is where nothing is given.")
    required: Annotated[bool, Flag()] = Field(default=False, description="Whether something must be given.")
    secret: Annotated[bool, Flag()] = Field(default=False, description="Whether it is never shown.")
    minimum: Annotated[float, Number(at_least=-_EXACT, at_most=_EXACT)] | None = Field(
        default=None, description="The least, of an integer or a number."
    )
    maximum: Annotated[float, Number(at_least=-_EXACT, at_most=_EXACT)] | None = Field(
        default=None, description="The most, of an integer or a number."
    )
    pattern: Annotated[str, Text(longest=256)] | None = Field(
        default=None, description="A regular expression that matches the whole of a string."
    )
    enum: tuple[Annotated[str, Text(longest=256)], ...] = Field(
        default=(), max_length=64, description="The only strings that are allowed."
    )
    items: "Setting | None" = Field(default=None, description="What a list or a map holds; strings, unless said.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("required", "default"),
            fault=lambda required, default: ("default",) if required and default is not None else None,
            message="must be left out, because something must be given",
        ),
        Rule(
            fields=("minimum", "maximum"),
            fault=lambda low, high: ("minimum",) if low is not None and high is not None and low > high else None,
            message="must be at most the maximum",
        ),
        Rule(
            fields=("type", "enum"),
            fault=lambda kind, words: ("enum",) if words and kind is not Kind.STRING else None,
            message="must be left out, because only a string has words to choose from",
        ),
        Rule(fields=("pattern",), fault=_unreadable_pattern, message=_PATTERN_ALLOWED),
    )

    @property
    def hidden(self) -> bool:
        """Whether it, or what it holds, is never shown."""
        return self.secret or (self.items is not None and self.items.hidden)

    @property
    def leaf(self) -> Leaf | None:
        """What checks a single value; None for lists and maps."""
        match self.type:
            case Kind.STRING:
                return _Word(of=self.enum) if self.enum else _text(self.pattern)
            case Kind.INTEGER:
                return Whole(at_least=int(self._low), at_most=int(self._high))
            case Kind.NUMBER:
                return Number(at_least=self._low, at_most=self._high)
        return _PLAIN.get(self.type)

    @property
    def _low(self) -> float:
        return -_EXACT if self.minimum is None else self.minimum

    @property
    def _high(self) -> float:
        return _EXACT if self.maximum is None else self.maximum


_PLAIN: Final[Mapping[Kind, Leaf]] = {Kind.BOOLEAN: Flag(), Kind.DURATION: Duration(), Kind.MEMORY: Quantity()}


def _text(pattern: str | None) -> Leaf:
    return _Patterned(pattern=pattern) if pattern else Text(longest=_LONGEST)


def open_names(settings: Mapping[str, Setting]) -> frozenset[str]:
    """The entries whose values may be shown."""
    return frozenset(name for name, setting in settings.items() if not setting.hidden)


def secret_texts(settings: Mapping[str, Setting], config: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands in a config and is not to be shown, as it would appear in a text; the longest first.

    What has fewer than four characters is left out: it would be found in every other word.
    """
    values = (value for name, value in config.items() if name in settings and settings[name].hidden)
    texts = {text for value in values for text in _texts_in(value) if len(text) >= _SHORTEST_SECRET}
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(part)
    elif not isinstance(value, bool):
        yield str(value)


def in_config(name: str) -> Path:
    """Where an entry stands that nothing else says the place of."""
    return ("config", name)


def no_line(_: Path) -> int | None:
    """The line of a place of which nobody knows it."""
    return None


def check_config(
    settings: Mapping[str, Setting],
    given: Mapping[str, Any],
    place: Callable[[str], Path] = in_config,
    line_of: LineOf = no_line,
) -> dict[str, Any] | tuple[Problem, ...]:
    """The config that a plugin is given: what was written, parsed, and the defaults; or every problem that it has.

    `place` says where an entry stands in its document, and `line_of` on which line that is.
    """
    problems: list[Problem] = []
    config: dict[str, Any] = {}
    known = ", ".join(sorted(settings)) or "none"
    for name in given.keys() - settings.keys():
        allowed, path = f"known are: {known}", place(name)
        unknown = Problem(line=line_of(path), path=path_text(path), allowed=allowed, fault=Fault.UNKNOWN_FIELD)
        problems.append(unknown)
    for name, setting in settings.items():
        value = given.get(name, setting.default)
        if value is None:
            problems.extend(_missing(setting, place(name), line_of))
            continue
        try:
            config[name] = _accepted(setting, value)
        except _Refused as refused:
            problems.append(refused.problem(setting, place(name), line_of))
    return tuple(sorted(problems, key=lambda problem: problem.path)) if problems else config


def _missing(setting: Setting, path: Path, line_of: LineOf) -> Iterator[Problem]:
    if setting.required:
        yield Problem(line=line_of(path), path=path_text(path), allowed=setting.description, fault=Fault.REQUIRED)


class _Refused(Exception):
    """A value does not fit; caught where its path is known."""

    def __init__(self, value: object, allowed: str, fault: Fault, below: Path = ()) -> None:
        super().__init__(allowed)
        self.value, self.allowed, self.fault, self.below = value, allowed, fault, below

    def problem(self, setting: Setting, path: Path, line_of: LineOf) -> Problem:
        """It as a problem of the entry at a path."""
        whole = (*path, *self.below)
        value = _MASK if setting.hidden else shown(self.value, whole)
        return Problem(line=line_of(whole), path=path_text(whole), value=value, allowed=self.allowed, fault=self.fault)


def _accepted(setting: Setting, value: object) -> object:
    leaf = setting.leaf
    if leaf is None:
        return _held(setting, value)
    try:
        found = leaf.accept(value, wire=True)
    except PydanticCustomError as refusal:
        fault = Fault.UNSUPPORTED if refusal.type == "unsupported" else Fault.INVALID
        raise _Refused(value, str((refusal.context or {}).get("allowed", "")), fault) from None
    return found


def _held(setting: Setting, value: object) -> object:
    """The parts of a list or a map, each checked."""
    wanted, word = (list, "a list") if setting.type is Kind.LIST else (dict, "an object")
    if not isinstance(value, wanted):
        raise _Refused(value, f"must be {word}", Fault.INVALID)
    if len(value) > _MOST_ITEMS:
        raise _Refused(value, f"must hold at most {_MOST_ITEMS} items", Fault.INVALID)
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    checked = {at: _part(setting.items or Setting(type=Kind.STRING), at, part) for at, part in parts}
    return checked if isinstance(value, dict) else list(checked.values())


def _part(setting: Setting, at: str | int, part: object) -> object:
    try:
        return _accepted(setting, part)
    except _Refused as refused:
        raise _Refused(refused.value, refused.allowed, refused.fault, (at, *refused.below)) from None
