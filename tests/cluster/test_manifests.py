"""The manifests as a person applies them: they build, an API server takes them, the agent can do no harm."""

from pathlib import Path
from typing import Any

import yaml

from brownout import __version__
from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
BASE = ROOT / "manifests" / "base"


def built(kubectl: Kubectl) -> list[dict[str, Any]]:
    """What `kubectl kustomize manifests/base` gives."""
    return list(yaml.safe_load_all(kubectl("kustomize", str(BASE))))


def agent(kubectl: Kubectl) -> dict[str, Any]:
    """The pod of the DaemonSet."""
    (daemonset,) = (one for one in built(kubectl) if one["kind"] == "DaemonSet")
    pod: dict[str, Any] = daemonset["spec"]["template"]["spec"]
    return pod


def test_the_base_holds_all_that_a_cluster_needs(kubectl: Kubectl) -> None:
    """Definitions, namespace, account, rights, agent; the image has the version of the package."""
    kinds = sorted(one["kind"] for one in built(kubectl))
    assert kinds.count("CustomResourceDefinition") == 2
    assert {"Namespace", "ServiceAccount", "DaemonSet", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"} < {
        *kinds,
        "CustomResourceDefinition",
    }
    (container,) = agent(kubectl)["containers"]
    assert container["image"] == f"brownout:{__version__}"


def test_it_can_be_applied_twice(own_api_server: ApiServer, tmp_path: Path) -> None:
    """The API server takes all of it, and the second time nothing changes."""
    home, kubeconfig = tmp_path / "home", own_api_server.admin_kubeconfig
    kubectl = kubectl_for(own_api_server, kubeconfig, home, namespace="brownout-system")
    flags = () if own_api_server.supports_cel else ("--validate=false",)
    first = kubectl("apply", "--kustomize", str(BASE), *flags)
    assert first.count(" created") == len(built(kubectl))
    second = kubectl("apply", "--kustomize", str(BASE), *flags)
    assert second.count(" unchanged") >= len(built(kubectl)) - 2  # definitions may be told as configured
    labels = kubectl.get("namespace", "brownout-system")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_plain_files_of_the_definitions_can_be_applied(own_api_server: ApiServer, tmp_path: Path) -> None:
    """`kubectl apply -f crds/` works beside `-k crds`."""
    kubectl = kubectl_for(own_api_server, own_api_server.admin_kubeconfig, tmp_path / "home")
    kubectl.install(ROOT / "crds")
    assert "integrations.brownout.dev" in kubectl("get", "crds")


def test_the_agent_meets_the_restricted_pod_security_standard(kubectl: Kubectl) -> None:
    """No root, no privilege, no capability, no host, no writable image, the runtime's seccomp profile."""
    pod = agent(kubectl)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("emptyDir" in volume for volume in pod["volumes"])
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_agent_measures_its_node_and_outlives_the_pressure(kubectl: Kubectl) -> None:
    """No memory limit, which `scope: Auto` would take for what it guards; a priority that the kernel spares."""
    pod = agent(kubectl)
    (container,) = pod["containers"]
    assert "limits" not in container["resources"]
    assert container["resources"]["requests"]["memory"] == "80Mi"
    assert pod["priorityClassName"] == "system-node-critical"
    assert {one["name"] for one in container["env"]} == {"NODE_NAME", "POD_NAME", "POD_NAMESPACE"}
