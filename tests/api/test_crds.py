"""The CRDs: equal to the models, structural, and readable with kubectl."""

import re
from pathlib import Path
from typing import Any

import pytest

from brownout.api.crd import crd_documents
from brownout.disk.documents import read_documents
from brownout.local.crd_files import render_crds
from tests.api.structural import unknown_keywords, walk

CRDS = Path(__file__).parents[2] / "crds"
DOCUMENTS = {crd["spec"]["names"]["kind"]: crd for crd in crd_documents()}


def schema_of(kind: str) -> dict[str, Any]:
    """Give the schema of a kind."""
    schema: dict[str, Any] = DOCUMENTS[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def test_the_files_are_what_the_models_say() -> None:
    """`brownout crds` would write what stands in crds/, and no other CRD stands there."""
    assert {path.name: path.read_text() for path in CRDS.glob("brownout.dev_*")} == dict(render_crds())


def test_the_files_read_back_as_the_documents() -> None:
    """What the files hold is what was generated, to the letter of every pattern."""
    read = [document.data for text in render_crds().values() for document in read_documents(text)[0]]
    assert read == list(crd_documents())


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_the_schema_is_structural(kind: str) -> None:
    """Each node has one type (or is an int-or-string), no union, no reference, no properties beside any key."""
    for path, node in walk(schema_of(kind)):
        assert unknown_keywords(node) == set(), path
        assert ("type" in node) != bool(node.get("x-kubernetes-int-or-string")), path
        assert ("anyOf" in node) == bool(node.get("x-kubernetes-int-or-string")), path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert (node.get("type") == "array") == ("items" in node), path


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_every_pattern_is_one_that_go_takes(kind: str) -> None:
    """No look-around, no back-reference, no class that means other characters elsewhere, and both ends anchored."""
    for path, node in walk(schema_of(kind)):
        if pattern := node.get("pattern"):
            assert not re.search(r"\(\?[=!<]|\\[1-9dwsb]", pattern), path
            assert (pattern[0], pattern[-1]) == ("^", "$"), path


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_what_a_rule_looks_at_is_bounded(kind: str) -> None:
    """The API server multiplies the cost of a rule by all lists around it: every list, map and string has an end."""
    for path, node in walk(schema_of(kind)["properties"]["spec"], ("spec",)):
        ends = {"array": "maxItems", "string": "maxLength"}
        if (end := ends.get(node.get("type", ""))) and "enum" not in node:
            assert end in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_kubectl_explains_every_field(kind: str) -> None:
    """Each field has a sentence that begins with a capital letter and ends with a full stop."""
    for path, node in walk(schema_of(kind)):
        if path and path[-1] != "*" and path != ("metadata",):
            assert re.fullmatch(r"[A-Z].*\.", node.get("description", "")), path


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_a_status_is_never_refused_for_its_words(kind: str) -> None:
    """A newer controller can write a new reason on an older CRD: the status is typed, and nothing more."""
    for path, node in walk(schema_of(kind)["properties"]["status"], ("status",)):
        assert not {"enum", "pattern", "maximum", "maxLength", "x-kubernetes-validations"} & set(node), path


def test_the_columns_are_those_that_people_expect() -> None:
    """`kubectl get integrations` shows what the wire's description names, in its order; wide adds the rest."""
    columns = DOCUMENTS["Integration"]["spec"]["versions"][0]["additionalPrinterColumns"]
    plain = [column["name"] for column in columns if not column.get("priority")]
    wide = [column["name"] for column in columns if column.get("priority")]
    assert plain == ["STATE", "LEVEL", "PRIORITY", "HEALTH", "MEMORY", "REASON", "SINCE"]
    assert wide == ["CIRCUIT", "NODE", "RETURNS-WHEN"]


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_every_column_shows_a_field_that_exists(kind: str) -> None:
    """A JSONPath of a column leads to a field of its own type."""
    nodes = {"." + ".".join(map(str, path)): node for path, node in walk(schema_of(kind))}
    for column in DOCUMENTS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]:
        kinds = {"date": "string"}
        assert nodes[column["jsonPath"]]["type"] == kinds.get(column["type"], column["type"]), column["name"]


def test_the_names_are_those_of_the_wire() -> None:
    """Short names, category, scope and the status subresource are as announced."""
    integration, policy = DOCUMENTS["Integration"]["spec"], DOCUMENTS["BrownoutPolicy"]["spec"]
    assert (integration["names"]["shortNames"], integration["scope"]) == (["intg"], "Namespaced")
    assert (policy["names"]["shortNames"], policy["scope"]) == (["bpol"], "Cluster")
    for spec in (integration, policy):
        assert spec["names"]["categories"] == ["brownout"]
        assert spec["versions"][0]["subresources"] == {"status": {}}
