"""Kinds of single values on the wire: what each accepts, in which words it refuses, and how a CRD declares it.

A leaf stands in an annotation (`Annotated[int, Whole(at_least=1)]`) and is the only source of three things that must
never disagree: the check in Python, the structural schema with its CEL rule, and the sentence that a person reads. What
stands in no CRD, as the leaves of a plugin's manifest, has the first and the last only. Leaves know neither field names
nor documents.

Values that arrive on the wire are held to the wire's types (a duration is a string); Python code may pass the parsed
value. The difference is the validation context: see `WIRE`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Never

from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import override

__all__ = ["NULL", "WIRE", "Choice", "Declared", "Flag", "Leaf", "Number", "Text", "Whole", "cel_string", "refuse"]

#: Context of a validation whose values come from a document: `Model.model_validate(data, context=WIRE)`.
WIRE: Final = {"wire": True}


class _Null:
    """A `null` where a value must stand. No leaf and no shape accepts it, each refuses it in its own words."""

    def __repr__(self) -> str:
        return "null"


NULL: Final = _Null()


def refuse(allowed: str, kind: str = "invalid") -> Never:
    """Raise the error that becomes one Problem; `allowed` is the sentence that says what would have been accepted."""
    raise PydanticCustomError(kind, "{allowed}", {"allowed": allowed})


def cel_string(text: str) -> str:
    """Give `text` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, kw_only=True)
class Leaf(ABC):
    """One kind of single value. Subclasses say what they accept."""

    @abstractmethod
    def accept(self, value: object, *, wire: bool) -> object:
        """Give the value as Python holds it, or refuse it."""

    def write(self, value: Any) -> object:
        """Give the wire form of a value."""
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], CoreSchema]) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda value, info: self.accept(value, wire=info.context is WIRE),
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none"),
        )


@dataclass(frozen=True, kw_only=True)
class Declared(Leaf):
    """One that may stand in a CRD. Subclasses also say how that declares it."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Give the structural schema of the wire form."""


def _declared(schema: dict[str, Any], rule: str, message: str) -> dict[str, Any]:
    """Add the CEL rule that says in our words what the schema's own keywords say in the API server's."""
    return {**schema, "x-kubernetes-validations": [{"rule": rule, "message": message}]}


@dataclass(frozen=True, kw_only=True)
class Flag(Declared):
    """True or false; never a word that looks like one."""

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        return value if isinstance(value, bool) else refuse("must be true or false")

    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Whole(Declared):
    """A whole number within bounds. `5.0` is one, as it is to the API server; `"5"` and `true` are not."""

    at_least: int = 0
    at_most: int = 2**31 - 1

    def allowed(self) -> str:
        """Say what is accepted."""
        return f"must be a whole number from {self.at_least} to {self.at_most}"

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.at_least <= value <= self.at_most:
            refuse(self.allowed())
        return value

    @override
    def schema(self) -> dict[str, Any]:
        wide = not -(2**31) <= self.at_least <= self.at_most < 2**31
        bounds = {"minimum": self.at_least, "maximum": self.at_most}
        schema = {"type": "integer", "format": "int64" if wide else "int32", **bounds}
        return _declared(schema, f"self >= {self.at_least} && self <= {self.at_most}", self.allowed())


def _double(number: float) -> str:
    """Give a number as CEL writes a double: with a point and without an exponent."""
    return f"{number:.1f}" if float(number).is_integer() else repr(number)


@dataclass(frozen=True, kw_only=True)
class Number(Declared):
    """A finite number; `at_least` is included, or excluded where `above` is set. `at_most` is included."""

    at_least: float = 0.0
    at_most: float = 1e9
    above: bool = False

    def allowed(self) -> str:
        """Say what is accepted."""
        low = f"above {self.write(self.at_least)} and at most" if self.above else f"from {self.write(self.at_least)} to"
        return f"must be a number {low} {self.write(self.at_most)}"

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(self.allowed())
        # NaN fails both comparisons and is refused with the rest.
        if not (self.at_least <= value <= self.at_most) or (self.above and value == self.at_least):
            refuse(self.allowed())
        return float(value)

    @override
    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "number",
            "minimum": self.write(self.at_least),
            "maximum": self.write(self.at_most),
        }
        if self.above:
            schema["exclusiveMinimum"] = True
        low = ">" if self.above else ">="
        return _declared(
            schema, f"self {low} {_double(self.at_least)} && self <= {_double(self.at_most)}", self.allowed()
        )

    @override
    def write(self, value: Any) -> object:
        return int(value) if float(value).is_integer() else value


@dataclass(frozen=True, kw_only=True)
class Text(Declared):
    """A string of at most `longest` characters that `pattern` matches as a whole. NUL is never accepted."""

    allowed: str = "must be a string without NUL, in quotes where it looks like something else"
    pattern: str = ""
    longest: int = 253

    @property
    def may_be_empty(self) -> bool:
        """Whether the empty string is accepted."""
        return re.fullmatch(self.pattern, "") is not None

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if not isinstance(value, str) or "\x00" in value or not _encodable(value):
            refuse(self.allowed)
        if len(value) > self.longest:
            refuse(f"{self.allowed}, at most {self.longest} characters")
        if self.pattern and not re.fullmatch(self.pattern, value):
            refuse(self.allowed)
        return value

    @override
    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        if self.may_be_empty:
            # Kubernetes 1.20, built with Go 1.21 or later, takes an empty string for null (go-openapi compares it with
            # the zero value) and would refuse `node: ""`; a newer one is not changed by it.
            schema["nullable"] = True
        if not self.pattern:
            return {**schema, "pattern": r"^[^\x00]*$"}
        anchored = f"^(?:{self.pattern})$"
        return _declared({**schema, "pattern": anchored}, f"self.matches({cel_string(anchored)})", self.allowed)


def _encodable(value: str) -> bool:
    """Tell whether the text is Unicode that can be written down (no lone surrogates)."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class Choice(Declared):
    """One of the words of a closed vocabulary, to the letter."""

    of: type[StrEnum]

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if isinstance(value, self.of):
            return value
        if isinstance(value, str) and value in self.of.__members__.values():
            return self.of(value)
        return refuse(", ".join(f'"{word}"' for word in self.of), "unsupported")

    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [word.value for word in self.of]}

    @override
    def write(self, value: Any) -> object:
        return str(value)
