"""Rules between fields: one table entry gives the check in Python, the CEL rule of the CRD, and the sentence.

A rule looks at a model's values one by one, so that it speaks even while other fields of the same model are wrong: all
problems of a file are told at once. A value that is itself refused is told by its own leaf, and the rule is silent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from brownout.api.leaves import WIRE, Leaf
from brownout.api.wire import Wire

__all__ = ["Location", "Rule", "Ruled"]

Location = tuple[str | int, ...]
_REFUSED: Final = object()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must hold between fields of one model.

    `fault` is given the values of `fields` and answers where the fault lies, from the model down, or None. Leaves
    arrive parsed, with their defaults; anything else arrives as it was written and may be of any shape. `cel` is the
    same rule for the API server; empty where CEL cannot say it.

    Where it `compares` single values, whoever checks here is told them after the sentence, with the defaults of those
    that nobody wrote: the fault lies in an object, of which an error shows nothing. The API server says the sentence.
    """

    fields: tuple[str, ...]
    fault: Callable[..., Location | None]
    message: str
    cel: str = ""
    kind: str = "invalid"
    compares: bool = False


class Ruled(Wire):
    """A part of an object whose fields depend on each other."""

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _hold(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        wrong: list[InitErrorDetails] = []
        model: Self | None = None
        try:
            model = handler(data)
        except ValidationError as refusal:
            wrong = [_again(error) for error in refusal.errors(include_url=False)]
        if isinstance(data, Mapping):
            wrong.extend(_broken(cls, data, wire=info.context is WIRE))
        if wrong or model is None:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return model


def _again(error: Any) -> InitErrorDetails:
    """Give a line of a ValidationError in the form that makes a new one."""
    details = InitErrorDetails(type=error["type"], loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))
    if "allowed" in details["ctx"]:
        details["type"] = PydanticCustomError(error["type"], "{allowed}", details["ctx"])
    return details


@cache
def _ruled_fields(model: type[Ruled]) -> tuple[tuple[Rule, tuple[tuple[str, FieldInfo], ...]], ...]:
    """Each rule with its fields: looked up once for a model, for pydantic looks long, and files are many."""
    fields = dict(model.model_fields)
    return tuple((rule, tuple((name, fields[name]) for name in rule.fields)) for rule in model.rules)


def _broken(model: type[Ruled], data: Mapping[str, object], *, wire: bool) -> Iterator[InitErrorDetails]:
    for rule, fields in _ruled_fields(model):
        values = [_value(name, field, data, wire=wire) for name, field in fields]
        if any(value is _REFUSED for value in values):
            continue
        if (at := rule.fault(*values)) is not None:
            error = PydanticCustomError(
                rule.kind, "{allowed}", {"allowed": rule.message + _compared(rule, fields, values)}
            )
            yield InitErrorDetails(type=error, loc=at, input=_dig(data, at), ctx={})


def _compared(rule: Rule, fields: tuple[tuple[str, FieldInfo], ...], values: list[object]) -> str:
    """The values that a rule compares, each by its name in a document: ` (enable 70, disable 60)`."""
    if not rule.compares:
        return ""
    named = zip(fields, values, strict=True)
    return f" ({', '.join(f'{field.alias or name} {_written(field, value)}' for (name, field), value in named)})"


def _written(field: FieldInfo, value: object) -> object:
    """A value as a document holds it."""
    leaf = next((each for each in field.metadata if isinstance(each, Leaf)), None)
    return leaf.write(value) if leaf else value


def _value(name: str, field: FieldInfo, data: Mapping[str, object], *, wire: bool) -> object:
    """Give a field's value: parsed where it is a leaf, else as it was written; its default where nothing was."""
    raw = data.get(field.alias or name)
    raw = data.get(name) if raw is None and not wire else raw
    if raw is None and field.is_required():
        return _REFUSED
    if raw is None:
        return field.get_default(call_default_factory=True, validated_data={})
    for leaf in field.metadata:
        if isinstance(leaf, Leaf):
            try:
                return leaf.accept(raw, wire=wire)
            except PydanticCustomError:
                return _REFUSED
    return raw


def _dig(data: object, at: Location) -> object:
    """Give what is written at a location, or as much of it as there is."""
    for step in at:
        held = dict(enumerate(data)) if isinstance(data, list | tuple) else data
        if not isinstance(held, Mapping) or step not in held:
            break
        data = held[step]
    return data
