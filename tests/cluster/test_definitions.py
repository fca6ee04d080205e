"""The custom resources as people meet them through kubectl: explained, defaulted, shown, refused."""

import pytest

from tests.apiserver.cluster import ApiServer
from tests.apiserver.kubectl import Kubectl
from tests.cluster.world import World, world_in
from tests.eventually import eventually

VOICE = """
apiVersion: brownout.dev/v1alpha1
kind: Integration
metadata: {name: voice}
spec:
  priority: 10
  workload: {scale: {apiVersion: apps/v1, kind: Deployment, name: voice}}
"""


@pytest.fixture
def world(api_server: ApiServer, namespace: str) -> World:
    """A namespace of this test."""
    return world_in(api_server, namespace)


@pytest.mark.usefixtures("world")
def test_every_field_is_explained(kubectl: Kubectl) -> None:
    """`kubectl explain` says what a field means, in our words."""
    # The API server publishes a new kind's documentation a moment after it serves the kind.
    explained = eventually(lambda: kubectl("explain", "integration.spec"), within_s=30.0)
    for field, meaning in (("enabled", "The owner's wish; false is never overridden."), ("priority", "The lowest is")):
        assert field in explained
        assert meaning in " ".join(explained.split())
    assert "What percentages are of." in " ".join(kubectl("explain", "bpol.spec.memoryBudget").split())


@pytest.mark.usefixtures("world")
def test_what_is_left_out_has_its_default(kubectl: Kubectl) -> None:
    """The defaults of the documentation stand in the object."""
    kubectl.apply(VOICE)
    spec = kubectl.get("integration", "voice")["spec"]
    assert (spec["enabled"], spec["essential"], spec["stop"]["grace"]) == (True, False, "30s")
    kubectl.apply("{apiVersion: brownout.dev/v1alpha1, kind: BrownoutPolicy, metadata: {name: default}, spec: {}}")
    thresholds = kubectl.get("bpol", "default")["spec"]["thresholds"]
    assert thresholds == {"disable": 80, "enable": 65, "emergency": 95}


@pytest.mark.usefixtures("world")
def test_the_table_has_its_columns(kubectl: Kubectl) -> None:
    """`kubectl get`, with the short name and with the category; wide has more."""
    kubectl.apply(VOICE)
    narrow = kubectl("get", "intg").splitlines()[0].split()
    assert narrow == ["NAME", "STATE", "LEVEL", "PRIORITY", "HEALTH", "MEMORY", "REASON", "SINCE"]
    wide = kubectl("get", "integrations", "--output=wide").splitlines()[0].split()
    assert wide == [*narrow, "CIRCUIT", "NODE", "RETURNS-WHEN"]
    assert "integration.brownout.dev/voice" in kubectl("get", "brownout", "--output=name")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("priority: high", "spec.priority"),
        ("stop: {grace: 30}", "spec.stop.grace"),
        ("levels: [{memory: 1Gi}]", "spec.levels[0]"),
    ],
)
@pytest.mark.usefixtures("world")
def test_nonsense_is_refused_with_its_path(kubectl: Kubectl, change: str, words: str) -> None:
    """The schema alone refuses a wrong type, a wrong unit and what is missing."""
    document = VOICE.replace("priority: 10", change)
    assert words in kubectl.refused(document)


def test_only_the_status_is_ours_to_write(world: World) -> None:
    """A status that is sent along with the spec is dropped, and one that is sent as such leaves the spec alone."""
    world.integration()
    path = f"{world.integrations}/voice"
    assert world.server.request("PATCH", path, {"status": {"state": "Failed"}}).status == 200
    assert "status" not in world.seen()
    both = {"status": {"state": "Failed"}, "spec": {"priority": 1}}
    assert world.server.request("PATCH", f"{path}/status", both).status == 200
    seen = world.seen()
    assert (seen["status"]["state"], seen["spec"]["priority"], seen["metadata"]["generation"]) == ("Failed", 100, 1)
