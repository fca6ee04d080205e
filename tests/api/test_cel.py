"""The CEL rules of the CRDs, run by a CEL engine: what they refuse is what our own validation refuses, in its words."""

import re
from typing import Any

import pytest

from brownout.api.crd import crd_documents
from brownout.api.problems import path_text
from brownout.api.validation import validate_document
from tests.api.bad_input import DOCUMENTS, NASTY, fields, schema_of, spoiled
from tests.api.cel import Verdict, verdicts
from tests.api.structural import Path, refused, walk
from tests.builders import integration_document, policy_document

CRDS = crd_documents()
# Each field once, in the first document that sets it.
CASES = {(document["kind"], path): document for document in reversed(DOCUMENTS) for path in fields(document)}
NAMES = [f"{kind}-{path_text(path)}" for kind, path in CASES]
# What CEL has no words for: sizes in memory beyond int64, what a config or an environment holds, and a null in a list.
BEYOND_CEL = {"memory", "memoryBudget", "memoryBelow", "memoryAtLeast", "gpuMemoryBelow", "config", "env"}


#: What our validation alone adds to the sentence of a rule that compares values: each by its name.
COMPARED = re.compile(r" \((?:[a-zA-Z]+ [0-9.a-z+-]+(?:, |(?=\))))+\)$")


def judged(document: dict[str, Any]) -> list[Verdict]:
    """Give what CEL says of a document."""
    return verdicts(schema_of(document, CRDS), document)


#: A number beyond int64, NaN and infinity do not get as far as a rule.
CARRIED = [value for value in NASTY if not isinstance(value, int | float) or -(2**63) <= value < 2**63]


def shape_of(schema: Any) -> Any:
    """Give the schema without what may be refused beside a rule: the API server asks the rules then too."""
    if isinstance(schema, list):
        return [shape_of(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    beside = {"pattern", "minimum", "maximum", "exclusiveMinimum"}
    return {key: shape_of(part) for key, part in schema.items() if key not in beside or isinstance(part, dict)}


def place_of(path: Path) -> Path:
    """Give the place of a path in the schema."""
    return tuple("*" if isinstance(step, int) else step for step in path)


def told(document: dict[str, Any]) -> list[str]:
    """Give the problems that `validate` finds, as it says them."""
    found = validate_document(document)
    return [str(problem) for problem in found] if isinstance(found, tuple) else []


def says(problem: str, message: str) -> bool:
    """Whether our validation says what the API server says: to its end, or up to the values that a rule compares."""
    return problem.endswith(message) or COMPARED.sub("", problem).endswith(message)


def test_every_field_is_tried() -> None:
    """A field that is new in a CRD stands in one of the documents, or nobody gives it nasty values."""
    for crd in CRDS:
        kind, spec = crd["spec"]["names"]["kind"], schema_of({"kind": crd["spec"]["names"]["kind"]}, CRDS)
        tried = {place_of(path) for known, path in CASES if known == kind}
        there = {place for place, _ in walk(spec["properties"]["spec"], ("spec",)) if place[-1] != "*"}
        assert there <= tried, kind


SHAPES = {document["kind"]: shape_of(schema_of(document, CRDS)) for document in DOCUMENTS}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_valid_breaks_no_rule(document: dict[str, Any]) -> None:
    """Every rule holds for documents in which every field is set."""
    assert told(document) == []
    assert [verdict for verdict in judged(document) if not verdict.holds] == []


@pytest.mark.parametrize(("kind", "path"), CASES, ids=NAMES)
def test_both_homes_give_one_verdict(kind: str, path: Path) -> None:
    """A value at any field is refused by schema and rules together where our validation refuses it, and nowhere else;
    the rule of the field itself says the same as our validation.
    """
    document = CASES[kind, path]
    for value in NASTY:
        bad = spoiled(document, path, value)
        if refused(schema_of(document, CRDS), bad):
            continue  # tests/api/test_bad_input.py: then the model refuses it too
        by_model, broken = told(bad), [verdict for verdict in judged(bad) if not verdict.holds]
        if BEYOND_CEL & {*path} or value is None:
            assert by_model or not broken, (value, broken)
            continue
        assert bool(broken) == bool(by_model), (value, broken, by_model)
        own = [verdict.message for verdict in broken if verdict.place == place_of(path)]
        for message in own:
            assert any(says(problem, message) for problem in by_model), (value, message, by_model)


@pytest.mark.parametrize(("kind", "path"), CASES, ids=NAMES)
def test_the_rule_of_a_value_says_all_that_its_bounds_say(kind: str, path: Path) -> None:
    """Where a number or a text has rules, they refuse by themselves what pattern and bounds of the schema refuse."""
    document = CASES[kind, path]
    # The engine's Python takes a text for ended at a NUL, which every pattern refuses and no JSON of ours carries.
    for value in (one for one in CARRIED if isinstance(one, str | int | float) and one != "\x00"):
        bad = spoiled(document, path, value)
        found = [] if refused(SHAPES[kind], bad) else judged(bad)
        if any(verdict.place == place_of(path) for verdict in found):
            assert {verdict.holds for verdict in found} == {True, not told(bad)}, (value, told(bad))


def tiers_of(*names: str) -> list[dict[str, Any]]:
    """Make tiers that match every box."""
    return [{"name": name, "match": {"coresAtLeast": 1}} for name in names]


def levels_of(*names: str) -> list[dict[str, Any]]:
    """Make levels of these names."""
    return [{"name": name} for name in names]


A_UNIT, A_PLUGIN = {"systemd": {"unit": "voice.service"}}, {"plugin": {"name": "voice"}}
#: What no value at one field alone shows: each breaks the rule with these words, and that alone.
TOGETHER = (
    (
        policy_document(window="24h", interval="1s", forecast={"horizon": "5m"}),
        "window must be at most 20000 intervals",
    ),
    (policy_document(interval="10m", forecast={"horizon": "5m"}), "interval must be at most forecast.horizon"),
    (policy_document(interval="45m", forecast={"horizon": "1h"}), "interval must be at most window"),
    (policy_document(forecast={"trainOn": 10, "minSamples": 20}), "minSamples must be at most trainOn"),
    (policy_document(tiers=tiers_of("a", "b", "a")), "tier names must be unique"),
    (policy_document(tiers=tiers_of("a", "b"), tier="c"), "tier must be the name of one of tiers"),
    (policy_document(tier="c"), "tier must be the name of one of tiers"),
    (integration_document(levels=levels_of("full", "small", "full")), "level names must be unique"),
    (integration_document("voice", dependsOn=["stubs", "voice"]), "must not be the integration itself"),
    (
        integration_document(health={"http": {"port": 1, "path": "/"}, "tcp": {"port": 1}}),
        "at most one of http, tcp and exec may be set",
    ),
    (
        integration_document(workload={**A_UNIT, **A_PLUGIN}),
        "exactly one of command, plugin, scale and systemd must be set",
    ),
)


@pytest.mark.parametrize(("document", "words"), TOGETHER, ids=[words for _, words in TOGETHER])
def test_a_rule_between_fields_is_the_same_in_both_homes(document: dict[str, Any], words: str) -> None:
    """CEL and our validation find the same one thing wrong, in the same words."""
    assert [verdict.message for verdict in judged(document) if not verdict.holds] == [words]
    (problem,) = told(document)
    assert says(problem, words)


SOUND = (
    policy_document(interval="500ms", window="2h"),  # 14 400 intervals
    policy_document(interval="4.32s", window="24h"),  # exactly 20 000
    policy_document(interval="1h", window="1h", forecast={"horizon": "1h"}),
    policy_document(tiers=tiers_of("a", "b"), tier="b"),
    policy_document(),
    integration_document(levels=levels_of("full", "small"), dependsOn=["stubs"]),
    integration_document(),
)


@pytest.mark.parametrize("document", SOUND)
def test_what_just_holds_is_accepted_in_both_homes(document: dict[str, Any]) -> None:
    """At its very bound, and with nothing set but what must be, no rule is broken."""
    assert told(document) == []
    assert [verdict for verdict in judged(document) if not verdict.holds] == []


def test_every_rule_can_be_broken() -> None:
    """Of each rule of both CRDs there is an object that breaks it: none of them says yes to everything."""
    bad = [spoiled(document, path, value) for (_, path), document in CASES.items() for value in CARRIED]
    asked = [document for document in bad if not refused(SHAPES[document["kind"]], document)]
    broken = {
        (document["kind"], verdict.place, verdict.rule)
        for document in (*asked, *(document for document, _ in TOGETHER))
        for verdict in judged(document)
        if not verdict.holds
    }
    rules = {
        (crd["spec"]["names"]["kind"], place, rule["rule"])
        for crd in CRDS
        for place, node in walk(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
        for rule in node.get("x-kubernetes-validations", ())
    }
    assert sorted(rules - broken) == []
