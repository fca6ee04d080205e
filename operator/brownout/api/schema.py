"""Models into the structural schema of a CRD. Leaves declare themselves; here is only how models nest.

What a structural schema may not say (references, unions, additional properties beside named ones) cannot come out: an
annotation of a shape that is not listed here is an error at build time.
"""

import types
from collections.abc import Iterable
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brownout.api.leaves import Declared, Leaf
from brownout.api.rules import Rule, Ruled
from brownout.api.wire import Wire, has_default

__all__ = ["model_schema", "part_of", "resource_schema", "without_checks"]

#: Fields that the API server declares for every object by itself.
_ITS_OWN: Final = frozenset({"apiVersion", "kind", "metadata"})
_CHECKS: Final = frozenset(
    [
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "default",
        "format",
        "x-kubernetes-validations",
    ]
)


def model_schema(model: type[BaseModel], *, leave_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Give the schema of a model as an object, with its rules."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    fields = {name: field for name, field in fields.items() if name not in leave_out}
    required = [name for name, field in fields.items() if field.is_required()]
    schema: dict[str, Any] = {
        "description": _sentence(model),
        "type": "object",
        "properties": {name: field_schema(field) for name, field in fields.items()},
    }
    if required:
        schema["required"] = required
    rules = [{"rule": rule.cel, "message": rule.message} for rule in _rules(model) if rule.cel]
    return {**schema, "x-kubernetes-validations": rules} if rules else schema


def resource_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Give the schema of a whole object. Metadata, apiVersion and kind are the API server's own."""
    schema = model_schema(model, leave_out=_ITS_OWN)
    own = {
        "apiVersion": {"type": "string", "description": "Version of the API that this object is written in."},
        "kind": {"type": "string", "description": "Kind of the object."},
        "metadata": {"type": "object"},
    }
    return {**schema, "properties": {**own, **schema["properties"]}}


def field_schema(field: FieldInfo) -> dict[str, Any]:
    """Give the schema of one field: of its annotation, with description, default and bounds."""
    annotation = _without_none(field.annotation)
    leaf = _leaf_in(field.metadata)
    schema = _declaration(leaf) if leaf else annotation_schema(annotation)
    schema = {**_describe(field, schema), **{key: part for key, part in schema.items() if key != "description"}}
    schema.update(_bounds(field, schema))
    return {**schema, **_default(field)}


def annotation_schema(annotation: Any) -> dict[str, Any]:
    """Give the schema of a type: a leaf, a model, a list of one type, a map to one type, or free JSON."""
    annotation = _without_none(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return model_schema(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if leaf := _leaf_in(getattr(annotation, "__metadata__", ())):
        return _declaration(leaf)
    if origin is tuple:
        return {"type": "array", "items": annotation_schema(arguments[0])}
    if origin is dict and arguments[1] is Any:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if origin is dict:
        return {"type": "object", "additionalProperties": annotation_schema(arguments[1])}
    if annotation is str or origin is Literal:
        return {"type": "string"}
    raise TypeError(f"no structural schema for {annotation!r}")


def _leaf_in(metadata: Iterable[object]) -> Leaf | None:
    return next((item for item in metadata if isinstance(item, Leaf)), None)


def _declaration(leaf: Leaf) -> dict[str, Any]:
    if not isinstance(leaf, Declared):
        raise TypeError(f"no schema for {leaf!r}: it cannot stand in a CRD")
    return leaf.schema()


def part_of(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Give the model that stands at a path below `model`, or None where no model stands."""
    here: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        fields = {field.alias or name: field for name, field in here.model_fields.items()} if here else {}
        here = _model_in(fields[step].annotation) if step in fields else None
    return here


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    (only,) = (part for part in get_args(annotation) if part is not type(None))
    return only


def _describe(field: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    text = field.description or schema.get("description", "")
    return {"description": text} if text else {}


def _sentence(model: type[BaseModel]) -> str:
    """Give a model's docstring on one line: it is what `kubectl explain` shows."""
    return " ".join((model.__doc__ or "").split())


def _bounds(field: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    """Give how many items a list or a map may have, and how lists are merged, where the field says it."""
    names = {"array": "Items", "object": "Properties"}
    bounds: dict[str, Any] = dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}
    if "type" not in schema or (kind := names.get(schema["type"])) is None:
        return bounds
    for item in field.metadata:
        bounds.update({f"min{kind}": item.min_length} if isinstance(item, MinLen) else {})
        bounds.update({f"max{kind}": item.max_length} if isinstance(item, MaxLen) else {})
    return bounds


def _default(field: FieldInfo) -> dict[str, Any]:
    """Give the default for the API server to fill in. What is empty needs none.

    A part is written out in full: current Kubernetes holds a rule against the default as it stands here, before the
    defaults inside of it are filled in.
    """
    if not has_default(field):
        return {}
    default = field.default
    if isinstance(default, Wire):
        return {"default": default.to_wire()}
    leaf = _leaf_in(field.metadata)
    return {"default": leaf.write(default) if leaf else default}


def _rules(model: type[BaseModel]) -> tuple[Rule, ...]:
    return model.rules if issubclass(model, Ruled) else ()


def without_checks(schema: Any) -> Any:
    """Give a schema that only describes: types and words, but nothing that could refuse a value.

    A status is written by the controller alone. A newer controller on an older CRD must still be able to say a new
    reason, and a status that cannot be written would leave the integration without any.
    """
    if isinstance(schema, list):
        return [without_checks(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    words = f" One of: {', '.join(schema['enum'])}." if isinstance(schema.get("enum"), list) else ""
    plain = {key: part for key, part in schema.items() if key not in _CHECKS}
    if "properties" in plain:
        plain["properties"] = {name: without_checks(part) for name, part in plain["properties"].items()}
    if "items" in plain:
        plain["items"] = without_checks(plain["items"])
    return {**plain, "description": plain["description"] + words} if words and "description" in plain else plain
