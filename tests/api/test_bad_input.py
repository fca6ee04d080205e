"""Every nasty value at every field: refused in one voice by the model and by the schema, or accepted by both."""

from typing import Any

import pytest

from brownout.api.crd import crd_documents
from brownout.api.problems import path_text
from brownout.api.validation import validate_document
from tests.api.bad_input import DOCUMENTS, NASTY, fields, schema_of, spoiled
from tests.api.structural import Path, Schema, refused

CRDS = crd_documents()
CASES = [(document, path) for document in DOCUMENTS for path in fields(document)]
NAMES = [f"{document['kind']}-{path_text(path)}" for document, path in CASES]


def model_refuses(document: dict[str, Any]) -> list[str]:
    """Give the paths of all problems that our own validation finds."""
    verdict = validate_document(document)
    return [problem.path for problem in verdict] if isinstance(verdict, tuple) else []


def rules_of(schema: Schema, path: Path) -> bool:
    """Tell whether a CEL rule stands at a path or above it: what only CEL refuses, a schema cannot."""
    nodes = [schema]
    for step in path:
        inner = nodes[-1].get("properties", {}).get(step) or nodes[-1].get("items")
        nodes.append(inner or nodes[-1].get("additionalProperties") or {})
    return any("x-kubernetes-validations" in node for node in nodes)


@pytest.mark.parametrize(("document", "path"), CASES, ids=NAMES)
def test_a_nasty_value_is_refused_at_its_field(document: dict[str, Any], path: Path) -> None:
    """No value crashes the validation, and each problem of a spoiled field names that field, or what lies within it."""
    assert model_refuses(document) == []
    for value in NASTY:
        problems = validate_document(spoiled(document, path, value))
        for problem in problems if isinstance(problems, tuple) else ():
            assert len(str(problem)) < 600
            assert "\n" not in str(problem)
            # The one field that names another: a tier by hand whose tier has got another name.
            related = (path_text(path), path_text(path[:-1]), *(("spec.tier",) if "tiers" in path else ()))
            assert problem.path.startswith(related), (value, str(problem))


@pytest.mark.parametrize(("document", "path"), CASES, ids=NAMES)
def test_both_homes_give_one_verdict(document: dict[str, Any], path: Path) -> None:
    """What the schema refuses, the model refuses; what the model alone refuses stands under a CEL rule, or is a measure
    of memory out of int64, a config, or a null in a list, for which CEL has no words.
    """
    schema = schema_of(document, CRDS)
    for value in NASTY:
        bad = spoiled(document, path, value)
        by_schema, by_model = refused(schema, bad), model_refuses(bad)
        if by_schema:
            assert by_model, (value, by_schema)
        elif by_model:
            beyond_cel = {
                "memory",
                "memoryBudget",
                "memoryBelow",
                "memoryAtLeast",
                "gpuMemoryBelow",
                "config",
                "env",
            } & {*path}
            assert rules_of(schema, path) or beyond_cel or value is None, (value, by_model)


@pytest.mark.parametrize(("document", "path"), CASES, ids=NAMES)
def test_an_unknown_field_is_told_wherever_it_stands(document: dict[str, Any], path: Path) -> None:
    """A field that no model has is refused in every object but a config, with its whole path."""
    value: Any = document
    for step in path:
        value = value[step]
    if not isinstance(value, dict) or path[-1] in ("config", "env", "match"):
        return
    problems = validate_document(spoiled(document, path, {**value, "nonsense": 1}))
    assert isinstance(problems, tuple)
    assert [problem.sentence for problem in problems] == [f'unknown field "{path_text(path)}.nonsense"']
