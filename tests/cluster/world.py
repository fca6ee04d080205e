"""What a person has in a cluster: a namespace with workloads and Integrations, made and looked at without our code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from brownout.api.metadata import API_VERSION
from tests.apiserver.cluster import ApiServer
from tests.eventually import eventually

CRDS = Path(__file__).parents[2] / "crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/brownout.dev/v1alpha1/brownoutpolicies"
APPS = "/apis/apps/v1/namespaces"


@dataclass(frozen=True, slots=True)
class World:
    """One namespace of one API server that knows our kinds."""

    server: ApiServer
    namespace: str

    @property
    def integrations(self) -> str:
        """Path of the Integrations."""
        return f"/apis/brownout.dev/v1alpha1/namespaces/{self.namespace}/integrations"

    def workload(self, name: str = "voice", *, replicas: int = 2, kind: str = "Deployment") -> None:
        """Make something that scales. No controller runs, so there are never pods."""
        labels = {"app": name}
        container = {"name": "main", "image": "none"}
        spec: dict[str, Any] = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        }
        if kind == "StatefulSet":
            spec["serviceName"] = name
        self.made(f"{APPS}/{self.namespace}/{kind.lower()}s", {"metadata": {"name": name}, "spec": spec})

    def integration(self, name: str = "voice", *, target: str = "", kind: str = "Deployment", **spec: Any) -> str:
        """Make an Integration that scales the workload of its name; its key."""
        workload = {"scale": {"apiVersion": "apps/v1", "kind": kind, "name": target or name}}
        self.made(self.integrations, self.document(name, **{"workload": workload, **spec}))
        return f"{self.namespace}/{name}"

    def document(self, name: str, **spec: Any) -> dict[str, Any]:
        """An Integration as a person writes it."""
        return {"apiVersion": API_VERSION, "kind": "Integration", "metadata": {"name": name}, "spec": spec}

    def policy(self, name: str = "default", **spec: Any) -> None:
        """Make a BrownoutPolicy."""
        document = {"apiVersion": API_VERSION, "kind": "BrownoutPolicy", "metadata": {"name": name}, "spec": spec}
        self.made(POLICIES, document)

    def made(self, path: str, document: dict[str, Any]) -> None:
        """Create it; the server has to agree."""
        reply = self.server.request("POST", path, document)
        assert reply.status == 201, reply

    def edit(self, name: str = "voice", **spec: Any) -> None:
        """Change an Integration's spec."""
        assert self.server.request("PATCH", f"{self.integrations}/{name}", {"spec": spec}).status == 200

    def replicas(self, name: str = "voice", kind: str = "Deployment") -> int:
        """What its owner would see."""
        reply = self.server.request("GET", f"{APPS}/{self.namespace}/{kind.lower()}s/{name}")
        assert reply.status == 200
        return int(reply.body["spec"]["replicas"])

    def scale(self, replicas: int, name: str = "voice") -> None:
        """Scale it by another hand."""
        path = f"{APPS}/{self.namespace}/deployments/{name}/scale"
        assert self.server.request("PATCH", path, {"spec": {"replicas": replicas}}).status == 200

    def seen(self, name: str = "voice") -> Any:
        """An Integration as it stands."""
        reply = self.server.request("GET", f"{self.integrations}/{name}")
        assert reply.status == 200, reply
        return reply.body

    def events(self) -> list[dict[str, Any]]:
        """The Events of the namespace."""
        found = self.server.request("GET", f"/api/v1/namespaces/{self.namespace}/events").body["items"]
        return [event for event in found if event["involvedObject"]["kind"] == "Integration"]


def world_in(server: ApiServer, namespace: str = "default") -> World:
    """Install our definitions if they are not there, wait until they are served, and give the world."""
    for file in sorted(CRDS.glob("brownout.dev_*.yaml")):
        assert server.request("POST", DEFINITIONS, yaml.safe_load(file.read_text())).status in {201, 409}
    world = World(server, namespace)
    eventually(lambda: server.request("GET", world.integrations).status == 200)
    eventually(lambda: server.request("GET", POLICIES).status == 200)
    # Something that a watch always has to bring, so that a home is ready only when its watch is.
    bystander = {"apiVersion": API_VERSION, "kind": "BrownoutPolicy", "metadata": {"name": "bystander"}}
    assert server.request("POST", POLICIES, bystander).status in {201, 409}
    return world
