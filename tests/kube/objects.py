"""Objects as the API server sends them, for tests of the cluster home that need no server."""

from collections.abc import Mapping
from typing import Any

from brownout.kube.shelf import Snapshot, snapshot_of
from tests.builders import integration_document, policy_document

A_DEPLOYMENT: Mapping[str, Any] = {"scale": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "voice"}}


def body(
    name: str = "voice",
    *,
    namespace: str = "home",
    uid: str = "",
    version: int = 1,
    generation: int = 1,
    status: object = None,
    **spec: Any,
) -> dict[str, Any]:
    """Give an Integration that scales a Deployment of its own name, as the API server holds it."""
    workload = {"scale": {**A_DEPLOYMENT["scale"], "name": name}}
    document = integration_document(name, **{"workload": workload, **spec})
    return _served(document, namespace, uid or f"uid-{name}", version, generation, status)


def policy_body(name: str = "default", *, version: int = 1, generation: int = 1, **spec: Any) -> dict[str, Any]:
    """Give a BrownoutPolicy as the API server holds it."""
    return _served(policy_document(name, **spec), "", f"uid-policy-{name}", version, generation, None)


def snapshot(name: str = "voice", **details: Any) -> Snapshot:
    """Give the snapshot of `body`."""
    found = snapshot_of(body(name, **details))
    assert found is not None
    return found


def listing(version: int, *bodies: Mapping[str, Any]) -> dict[str, Any]:
    """Give a list of objects as the API server sends it."""
    return {"metadata": {"resourceVersion": str(version)}, "items": list(bodies)}


def _served(
    document: dict[str, Any], namespace: str, uid: str, version: int, generation: int, status: object
) -> dict[str, Any]:
    document["metadata"] |= {"uid": uid, "resourceVersion": str(version), "generation": generation}
    if namespace:
        document["metadata"]["namespace"] = namespace
    if status is not None:
        document["status"] = status
    return document
