"""The whole controller on a real API server, as its user meets it: kubectl on one side, real memory on the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brownout.api.crd import INTEGRATION_COLUMNS, INTEGRATION_WIDE_COLUMNS
from brownout.bootstrap.settings import HomeMode
from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.kubectl import Kubectl
from tests.builders import integration_document, policy_document
from tests.controllers import Running, running
from tests.eventually import consistently, eventually
from tests.memory import MIB, hog, used_bytes

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
# In MiB: the room above what is in use. At rest it stands below `enable`; the hog lifts it over `disable`.
ROOM_MIB, HOG_MIB = 1000, 700
WIDE_COLUMNS = ["NAME", *(name for name, *_ in (*INTEGRATION_COLUMNS, *INTEGRATION_WIDE_COLUMNS))]
CAST = {"voice": 10, "android": 20, "stubs": 100}


@contextmanager
def stage(server: ApiServer, kubectl: Kubectl, folder: Path) -> Iterator[Running]:
    """Three Deployments with their Integrations, a policy with short times, and a controller that is ready."""
    kubectl.install(ROOT / "crds")
    kubectl.attempt("create", "namespace", "brownout-system")
    for name, priority in CAST.items():
        declare(kubectl, name, priority)
    kubectl.apply(json.dumps(policy()))
    with running(HomeMode.KUBE, folder / "state", kubeconfig=server.admin_kubeconfig) as controller:
        eventually(lambda: set(states(kubectl).values()) == {"Enabled"}, within_s=30)
        yield controller


def policy() -> dict[str, Any]:
    """Percentages of a budget in which the room above what is in use now is all that matters."""
    used = used_bytes()
    budget = used + ROOM_MIB * MIB

    def percent(mib: int) -> float:
        return round(100.0 * (used + mib * MIB) / budget, 2)

    return policy_document(
        interval="1s",
        window="2m",
        scope="Node",
        memoryBudget=str(budget),
        thresholds={"disable": percent(500), "enable": percent(400), "emergency": percent(950)},
        forecast={"horizon": "5s"},
        stabilization={"enable": "3s", "settle": "1s"},
    )


def declare(kubectl: Kubectl, name: str, priority: int) -> None:
    """A Deployment of two and the Integration that may scale it."""
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    kubectl.apply(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}))
    scale = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    document = integration_document(
        name, priority=priority, essential=name == "stubs", memory="300Mi", workload={"scale": scale}
    )
    kubectl.apply(json.dumps(document))


def states(kubectl: Kubectl) -> dict[str, str]:
    """What each is now."""
    items = kubectl.get("integrations")["items"]
    return {item["metadata"]["name"]: item.get("status", {}).get("state", "") for item in items}


def replicas(kubectl: Kubectl) -> dict[str, int]:
    """What each Deployment is set to."""
    items = kubectl.get("deployments")["items"]
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in items}


def test_pressure_takes_voice_down_and_its_end_brings_it_back(
    api_server: ApiServer, kubectl: Kubectl, tmp_path: Path
) -> None:
    """Under pressure the least important goes to 0 replicas, the essential never; afterwards each has what it had."""
    with stage(api_server, kubectl, tmp_path):
        with hog(HOG_MIB * MIB):
            kubectl("wait", "integration/voice", "--for=jsonpath={.status.state}=Disabled", "--timeout=30s")
            assert replicas(kubectl)["voice"] == 0
            assert replicas(kubectl)["stubs"] == 2
            assert kubectl.get("integration", "voice")["status"]["replicasBefore"] == 2
            reads_as_a_built_in_kind(kubectl)
        kubectl("wait", "integration/voice", "--for=jsonpath={.status.state}=Enabled", "--timeout=60s")
        eventually(lambda: replicas(kubectl) == dict.fromkeys(CAST, 2), within_s=30)
        consistently(lambda: set(states(kubectl).values()) == {"Enabled"}, for_s=3.0)
        leaves_no_mark(kubectl)


def reads_as_a_built_in_kind(kubectl: Kubectl) -> None:
    """Columns, conditions and events say the same reason, with numbers."""
    header, *rows = kubectl("get", "integrations", "-o", "wide").splitlines()
    assert header.split() == WIDE_COLUMNS
    voice = next(row for row in rows if row.startswith("voice"))
    assert "Disabled" in voice
    assert "AboveThreshold" in voice
    described = eventually(lambda: with_event(kubectl("describe", "integration", "voice")), within_s=10)
    assert "disabled voice, which frees about" in described
    conditions = {it["type"]: it for it in kubectl.get("integration", "voice")["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert conditions["Degraded"]["status"] == "True"
    assert conditions["Accepted"]["status"] == "True"


def with_event(described: str) -> str:
    """The description once it shows our event; empty before."""
    events = described.partition("Events:")[2]
    return described if "Warning" in events and "AboveThreshold" in events else ""


def leaves_no_mark(kubectl: Kubectl) -> None:
    """Users' objects carry neither finalizers nor annotations of ours."""
    for item in kubectl.get("integrations")["items"] + kubectl.get("deployments")["items"]:
        assert "finalizers" not in item["metadata"]
        ours = [key for key in item["metadata"].get("annotations", {}) if "brownout" in key or "kopf" in key]
        assert ours == []


def test_it_goes_on_deciding_while_the_api_server_is_away(own_api_server: ApiServer, tmp_path: Path) -> None:
    """Without an API server it neither ends nor forgets: what it decided meanwhile is carried out when it is back."""
    kubectl = kubectl_for(own_api_server, own_api_server.admin_kubeconfig, tmp_path / "home")
    with stage(own_api_server, kubectl, tmp_path) as controller:
        own_api_server.stop()
        with hog(HOG_MIB * MIB):
            before = controller.ticks()
            controller.wait_for_ticks(before + 5, within_s=60)
            own_api_server.start()
            eventually(lambda: states(kubectl)["voice"] == "Disabled", within_s=60)
            assert replicas(kubectl)["voice"] == 0
        eventually(lambda: replicas(kubectl) == dict.fromkeys(CAST, 2), within_s=60)


def test_a_wish_to_be_off_is_carried_out_and_taken_back(
    api_server: ApiServer, kubectl: Kubectl, tmp_path: Path
) -> None:
    """`enabled: false` scales to 0 whatever the load, is never overridden, and its end restores the replicas."""
    with stage(api_server, kubectl, tmp_path):
        kubectl("patch", "integration", "android", "--type=merge", '--patch={"spec":{"enabled":false}}')
        eventually(lambda: replicas(kubectl)["android"] == 0, within_s=20)
        eventually(lambda: kubectl.get("integration", "android")["status"]["reason"] == "DisabledByOwner", within_s=20)
        consistently(lambda: replicas(kubectl)["android"] == 0, for_s=5.0)
        kubectl("patch", "integration", "android", "--type=merge", '--patch={"spec":{"enabled":true}}')
        eventually(lambda: replicas(kubectl)["android"] == 2, within_s=20)


def test_an_invalid_object_is_refused_in_words_and_hurts_nobody_else(
    api_server: ApiServer, kubectl: Kubectl, tmp_path: Path
) -> None:
    """What an old API server lets pass, the controller refuses: Accepted=False with the reason, the others work on."""
    if api_server.supports_cel:
        said = kubectl.refused(json.dumps(integration_document("broken", workload={})))
        assert "exactly one of command, plugin, scale and systemd must be set" in said
        return
    with stage(api_server, kubectl, tmp_path):
        kubectl.apply(json.dumps(integration_document("broken", workload={})))
        accepted = "jsonpath={.status.conditions[?(@.type=='Accepted')].status}=False"
        kubectl("wait", "integration/broken", f"--for={accepted}", "--timeout=20s")
        said = json.dumps(kubectl.get("integration", "broken")["status"])
        assert "exactly one of command, plugin, scale and systemd must be set" in said
        assert states(kubectl)["voice"] == "Enabled"
