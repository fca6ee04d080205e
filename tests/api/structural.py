"""A small judge of structural schemas: what an API server without CEL refuses, and what a structural schema must be."""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Path = tuple[str | int, ...]

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_KNOWN = frozenset(
    re.findall(
        r"\S+",
        """type description nullable properties required items
        additionalProperties enum pattern format default minimum maximum
        exclusiveMinimum minLength maxLength minItems maxItems minProperties maxProperties anyOf
        x-kubernetes-validations x-kubernetes-int-or-string x-kubernetes-preserve-unknown-fields
        x-kubernetes-list-type x-kubernetes-list-map-keys""",
    )
)


def refused(schema: Schema, value: object, path: Path = ()) -> list[Path]:
    """Give the paths that the schema refuses, unknown fields among them (as `kubectl --validate=strict` has it)."""
    if value is None and schema.get("nullable"):
        return []
    if not _right_type(schema, value):
        return [path]
    if not _within(schema, value):
        return [path]
    return list(_inside(schema, value, path))


def walk(schema: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Give every schema node with its path; `*` stands for any item or key."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from walk(part, (*path, name))
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from walk(schema[key], (*path, "*"))


def unknown_keywords(schema: Schema) -> set[str]:
    """Give the keywords of a node that we do not mean to use."""
    return set(schema) - _KNOWN


def _right_type(schema: Schema, value: object) -> bool:
    either = schema.get("x-kubernetes-int-or-string")
    kind = schema.get("type", "integer")
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    if either:
        return isinstance(value, int | str) and not isinstance(value, bool)
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _within(schema: Schema, value: Any) -> bool:
    size: int = len(value) if isinstance(value, str | list | dict) else 0
    kinds: dict[type, str] = {str: "Length", list: "Items", dict: "Properties"}
    kind = kinds.get(type(value), "")
    fits: bool = schema.get(f"min{kind}", 0) <= size <= schema.get(f"max{kind}", size)
    if isinstance(value, str):
        # What Go calls the end of the text Python calls \Z; its own $ would let a newline pass.
        pattern = re.sub(r"\$$", r"\\Z", schema.get("pattern", ""))
        return fits and value in schema.get("enum", [value]) and re.search(pattern, value) is not None
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        return bool(low <= value <= high) and not (schema.get("exclusiveMinimum") and value == low)
    if schema.get("x-kubernetes-list-type") == "set":
        return fits and len({str(item) for item in value}) == size
    return fits


def _inside(schema: Schema, value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from refused(schema["items"], item, (*path, at))
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    for name, part in value.items():
        if path == () and name in ("apiVersion", "kind", "metadata"):
            continue
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        defaulted = part is None and inner is not None and "default" in inner
        yield from [] if defaulted else [(*path, name)] if inner is None else refused(inner, part, (*path, name))
    yield from ((*path, name) for name in schema.get("required", ()) if name not in value)
