"""What every model of the wire has in common: frozen, no unknown fields, camelCase outside and snake_case inside.

It knows nothing of any field. `null` is read as the API server reads it: for a field with a default it is the default,
and elsewhere it is refused.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from brownout.api.leaves import NULL, WIRE, Text

__all__ = ["ReadBack", "Wire", "has_default"]


class Wire(BaseModel):
    """A part of an object as users write it."""

    # defer_build: validators are built at first use, so that a nested model that is never made by itself has none of
    # its own.
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )

    #: Whether `null` may stand for any field that is left out, as in metadata and in a status.
    null_is_absent: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping) or None not in data.values():
            return data
        lenient = cls.null_is_absent or info.context is not WIRE
        fields = {name: field for key, field in cls.model_fields.items() for name in (key, field.alias)}
        kept = {}
        for key, value in data.items():
            if value is not None or key not in fields:
                kept[key] = value
            elif not (lenient or has_default(fields[key]) or _may_be_empty(fields[key])):
                kept[key] = NULL
        return kept

    @classmethod
    def from_wire(cls, data: object) -> Self:
        """Read a part of a document: wire types and camelCase only. Raises pydantic's ValidationError."""
        return cls.model_validate(data, context=WIRE, by_alias=True, by_name=False)

    def to_wire(self) -> dict[str, Any]:
        """Give the part as a document holds it: camelCase, measures as strings, nothing that is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ReadBack(Wire):
    """A part that the controller writes and reads back: what a newer version added is passed over."""

    model_config = ConfigDict(extra="ignore")
    null_is_absent: ClassVar[bool] = True


def has_default(field: FieldInfo) -> bool:
    """Tell whether a field has a default that says something. What is empty by default is not declared in the CRD."""
    return not field.is_required() and field.default_factory is None and field.default not in (None, "", (), {})


def _may_be_empty(field: FieldInfo) -> bool:
    """Tell whether a field is declared nullable, as texts are that may be empty."""
    return not field.is_required() and any(isinstance(leaf, Text) and leaf.may_be_empty for leaf in field.metadata)
