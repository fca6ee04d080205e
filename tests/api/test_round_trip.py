"""Objects on the wire and back."""

from typing import Any

import pytest
from hypothesis import example, given
from pydantic import ValidationError

from brownout.api.integration import Integration, Stop
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy, Mode, PolicySpec
from brownout.api.status import IntegrationStatus
from brownout.api.validation import validate_document
from brownout.api.workload import WorkloadKind
from brownout.disk.documents import dump_yaml, read_documents
from tests.builders import integration_document, make_integration, make_policy, policy_document
from tests.strategies import integration_documents, json_values, policy_documents, statuses


@given(integration_documents())
def test_an_integration_survives_the_wire(document: dict[str, Any]) -> None:
    """Whatever is valid is accepted, and reads back from what it writes as the same object."""
    integration = validate_document(document)
    assert isinstance(integration, Integration), [str(problem) for problem in integration]
    assert validate_document(integration.to_wire()) == integration


@given(policy_documents())
def test_a_policy_survives_the_wire(document: dict[str, Any]) -> None:
    """Whatever is valid is accepted, and reads back from what it writes as the same object."""
    policy = validate_document(document)
    assert isinstance(policy, BrownoutPolicy), [str(problem) for problem in policy]
    assert validate_document(policy.to_wire()) == policy


@given(integration_documents())
def test_yaml_changes_nothing(document: dict[str, Any]) -> None:
    """An object that goes through a file is the same object."""
    (read,), problems = read_documents(dump_yaml(document))
    assert not problems
    assert read.data == document


@example({"footprint": {"steady": "9165725961624433153"}})
@given(statuses())
def test_a_status_is_written_once(document: dict[str, Any]) -> None:
    """A status that was read back writes what it wrote before: nothing is written without a change."""
    status = IntegrationStatus.tolerant(document)
    written = status.to_wire() if status else {}
    again = IntegrationStatus.tolerant(written)
    assert (again.to_wire() if again else {}) == written


@given(json_values())
def test_no_status_can_stop_the_reading(forged: object) -> None:
    """Whatever a user writes into a status, the object is read, and what is not sound is dropped."""
    document = {**integration_document(), "status": forged}
    assert isinstance(validate_document(document), Integration)


def test_what_is_sound_of_a_forged_status_stays() -> None:
    """One bad field costs that field, one bad condition that condition."""
    sound = {"type": "Ready", "status": "True", "reason": "Restored", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    forged = {"state": "Enabled", "since": 7, "reason": "BecauseISaySo", "conditions": [1, sound, {"type": "Ready"}]}
    status = IntegrationStatus.tolerant(forged)
    assert status is not None
    assert status.to_wire() == {"state": "Enabled", "conditions": [{**sound, "message": ""}]}


def test_the_defaults_are_the_requirement() -> None:
    """A policy without a word of its own says what the wire's description says."""
    assert DEFAULT_POLICY.spec == PolicySpec() == make_policy().spec
    wire = DEFAULT_POLICY.to_wire()["spec"]
    assert wire["thresholds"] == {"disable": 80, "enable": 65, "emergency": 95}
    assert (wire["mode"], wire["interval"], wire["window"], wire["scope"]) == ("Enforce", "30s", "30m", "Auto")
    assert wire["forecast"] == {
        "model": "Auto", "horizon": "5m", "trainOn": 50, "minSamples": 10, "smoothing": 0.7, "confidence": 90
    }  # fmt: skip
    assert wire["stabilization"] == {"enable": "5m", "settle": "30s"}
    assert (wire["spike"], wire["rate"]) == ({"factor": 2, "within": "30s"}, {"above": 0})


def test_an_integration_needs_only_a_workload() -> None:
    """Everything else has the default that the wire's description names."""
    spec = make_integration().spec
    assert (spec.enabled, spec.priority, spec.essential, spec.pinned, spec.concurrency) == (True, 100, False, False, 8)
    assert (spec.stop.grace, spec.health.period, spec.health.latency_budget) == (30, 5, 0.2)
    assert (spec.depends_on, spec.levels, spec.memory, spec.budget) == ((), (), None, None)


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_a_workload_tells_its_kind(kind: WorkloadKind) -> None:
    """The one that is set is the kind."""
    workloads = {
        "command": {"argv": ["true"]},
        "plugin": {"name": "voice"},
        "scale": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "voice"},
        "systemd": {"unit": "voice.service"},
    }
    assert make_integration(workload={kind: workloads[kind]}).spec.workload.kind is kind


def test_python_may_pass_what_the_wire_may_not() -> None:
    """Seconds are a number in Python and text on the wire; so are snake_case and camelCase."""
    assert Stop(grace=1.5).to_wire() == {"grace": "1.5s"}
    assert make_policy(memory_budget=2**30, mode=Mode.DRY_RUN).to_wire()["spec"]["memoryBudget"] == "1Gi"
    for spec in ({"stop": {"grace": 1.5}}, {"depends_on": ["a"]}):
        assert isinstance(validate_document(integration_document(**spec)), tuple)


def test_objects_cannot_be_changed() -> None:
    """A value that was read stays what it is."""
    with pytest.raises(ValidationError, match="frozen"):
        make_integration().spec.enabled = False


def test_null_is_the_default_where_there_is_one() -> None:
    """As the API server has it: null for a field with a default is the default, elsewhere it is refused."""
    assert validate_document(policy_document(interval=None, thresholds=None)) == validate_document(policy_document())
    refused = validate_document(integration_document(levels=None, memory=None))
    assert isinstance(refused, tuple)
    assert [problem.path for problem in refused] == ["spec.levels", "spec.memory"]
