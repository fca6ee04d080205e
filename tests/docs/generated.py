"""The parts of docs/reference.md that the code can write: fields from the models, commands from the command line.

    python -m tests.docs.generated

writes them anew between their marks. What a person has to explain stands around them, and is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import typer.main

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.schema import resource_schema
from brownout.cli.app import app
from brownout.core.decide import RULES
from tests.checkout import ROOT

REFERENCE = ROOT / "docs" / "reference.md"
MARK: Final = re.compile(r"<!-- begin (?P<name>\S+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)
PLAIN: Final = {"boolean": "true or false", "string": "text", "integer": "whole number"}


def render() -> str:
    """The reference as it should be."""
    return MARK.sub(_part, REFERENCE.read_text(encoding="utf-8"))


def _part(found: re.Match[str]) -> str:
    name = found["name"]
    return f"<!-- begin {name} -->\n{PARTS[name]()}\n<!-- end -->"


def _fields(kind: type[Integration | BrownoutPolicy], part: str) -> str:
    schema = resource_schema(kind)["properties"][part]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _rows(schema, part))
    rules = [f"- `{path}`: {message}" for path, message in _rules(schema, part)]
    table = f"| field | type | default | meaning |\n| --- | --- | --- | --- |\n{rows}"
    return f"{table}\n\nBetween the fields:\n\n{chr(10).join(rules)}" if rules else table


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str, str]]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield f"`{here}`", _type(field), _default(field, required=name in required), _meaning(field)
        yield from _rows(field, here)
        yield from _rows(field.get("items", {}), f"{here}[]")


def _rules(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if "properties" in schema:
        yield from ((path, rule["message"]) for rule in schema.get("x-kubernetes-validations", ()))
    for name, field in schema.get("properties", {}).items():
        yield from _rules(field, f"{path}.{name}")
        yield from _rules(field.get("items", {}), f"{path}.{name}[]")


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "memory, such as `512Mi` or `4Gi`"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field["type"] == "object" and "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    bounds = str(next((rule["message"] for rule in field.get("x-kubernetes-validations", ())), ""))
    if bounds.startswith("must be a duration"):
        return "duration" + bounds.partition("1h30m")[2]
    plain = PLAIN.get(field["type"], str(field["type"]))
    return bounds.removeprefix("must be ") if bounds and "properties" not in field else plain


def _default(field: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if default is None or default == "" or isinstance(default, dict | list):
        return ""  # of an object: its fields have their own
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _meaning(field: Mapping[str, Any]) -> str:
    return str(field.get("description", "")).replace("|", "\\|")


def _commands() -> str:
    return "\n\n".join(_command(name, command) for name, command in flat(_group()))


def flat(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it; those of a group stand under its name."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        if hasattr(command, "commands"):
            yield from flat(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _command(name: str, command: Any) -> str:
    arguments = [_argument(it) for it in command.params if not it.opts[0].startswith("-")]
    what, _, example = command.help.partition("\n\nExample: ")
    head = f"### `brownout {' '.join((name, *arguments, '[OPTIONS]'))}`\n\n{what}\n\n    {example}\n"
    rows = "\n".join(f"| `{_usage(it)}` | {_given(it)} | {it.help} |" for it in command.params)
    return f"{head}\n| argument or option | default | meaning |\n| --- | --- | --- |\n{rows}"


def _argument(parameter: Any) -> str:
    word = parameter.metavar or parameter.name.upper()
    return word if parameter.required else f"[{word}]"


def _usage(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return str(parameter.metavar or parameter.name.upper()).replace("|", "\\|")
    words = isinstance(parameter.default, StrEnum) and "|".join(type(parameter.default))
    value = "" if parameter.is_flag else f" {parameter.metavar or words or parameter.name.upper()}"
    return f"{', '.join(parameter.opts)}{value}".replace("|", "\\|")


def _given(parameter: Any) -> str:
    if parameter.required:
        return "required"
    from_environment = f"`${parameter.envvar}`" if parameter.envvar else ""
    default = parameter.default
    return from_environment if default in (None, "", False) else f"`{default}`"


def _decisions() -> str:
    rows = (f"| `{rule.__name__}` | {_sentence(rule)} |" for rule in RULES)
    return "| rule | says |\n| --- | --- |\n" + "\n".join(rows)


def _sentence(rule: Callable[..., object]) -> str:
    return " ".join((rule.__doc__ or "").split())


def _group() -> Any:
    return typer.main.get_command(app)


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "integration-spec": lambda: _fields(Integration, "spec"),
    "integration-status": lambda: _fields(Integration, "status"),
    "policy-spec": lambda: _fields(BrownoutPolicy, "spec"),
    "policy-status": lambda: _fields(BrownoutPolicy, "status"),
    "commands": _commands,
    "rules": _decisions,
}

if __name__ == "__main__":
    REFERENCE.write_text(render(), encoding="utf-8")
