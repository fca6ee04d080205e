"""A judge of the CRDs' CEL rules: what an API server that knows CEL refuses beside what the schema refuses.

The engine is cel-cpp, which knows CEL's types: a rule that would compare a string with a number does not compile, and
neither would it in the API server. Single values and lists have the type that the schema says, as there; an object is
a map of anything, so a field that the schema does not have is noticed when it is looked at, and not before. What a
rule costs is not reckoned (tests/api/test_crds.py holds the bounds that keep it low).
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel

from tests.api.structural import Path, Schema

_TYPES = {"string": "string", "integer": "int", "number": "double", "boolean": "bool", "object": "map<string, dyn>"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule at one place. A rule that ends in an error refuses, as in the API server."""

    place: Path  # in the schema: `*` stands for any item
    rule: str
    message: str
    holds: bool


def verdicts(schema: Schema, value: object) -> list[Verdict]:
    """Give the verdict of every rule that applies to an object; the schema must have found its types right."""
    return list(_verdicts(schema, defaulted(schema, value), ()))


def defaulted(schema: Schema, value: object) -> Any:
    """Give the object as the API server stores it: what is left out, or null where that may not be, has its default."""
    if isinstance(value, list):
        return [defaulted(schema["items"], item) for item in value]
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    parts = schema.get("properties", {})
    missing = {name: deepcopy(part["default"]) for name, part in parts.items() if "default" in part}
    written = {
        name: one
        for name, one in value.items()
        if not (one is None and name in missing and not parts[name].get("nullable"))
    }
    return {
        name: defaulted(parts.get(name) or schema.get("additionalProperties") or {}, one)
        for name, one in {**missing, **written}.items()
    }


def _verdicts(schema: Schema, value: Any, place: Path) -> Iterator[Verdict]:
    if value is None:
        return  # the API server asks no rule about a null
    if rules := schema.get("x-kubernetes-validations"):
        written = json.dumps(_typed(schema, value))
        for rule in rules:
            holds = _holds(rule["rule"], _type_of(schema), written)
            yield Verdict(place, rule["rule"], rule["message"], holds)
    if isinstance(value, list):
        for item in value:
            yield from _verdicts(schema["items"], item, (*place, "*"))
    elif isinstance(value, dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        parts, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name, one in value.items():
            yield from _verdicts(parts.get(name, rest), one, (*place, name if name in parts else "*"))


@cache
def _holds(rule: str, type_name: str, written: str) -> bool:
    """Run a rule on a value, which is JSON here: of ten thousand documents most parts are alike, and asked once."""
    return _compiled(rule, type_name).eval(data={"self": json.loads(written)}).value() is True


@cache
def _compiled(rule: str, type_name: str) -> cel.Expression:
    """Compile a rule for a `self` of this type, or raise what the type check says."""
    expression = cel.NewEnv(variables={"self": cel.Type(type_name)}).compile(rule)
    if expression.return_type() != cel.Type.BOOL:
        raise TypeError(f"{rule} gives {expression.return_type().name()}")
    return expression


def _type_of(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string") or "type" not in schema:
        return "dyn"
    return f"list<{_type_of(schema['items'])}>" if schema["type"] == "array" else _TYPES[schema["type"]]


def _typed(schema: Schema, value: Any) -> Any:
    """Give a value in the schema's type: JSON knows one kind of number, CEL two that do not compare."""
    match value, schema.get("type"):
        case bool(), _:
            return value
        case int() | float(), "number":
            return float(value)
        case float(), "integer":
            return int(value)
        case list(), _:
            return [_typed(schema["items"], item) for item in value]
        case dict(), _:
            parts, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
            return {name: _typed(parts.get(name, rest), one) for name, one in value.items() if one is not None}
    return value
