"""Builders of values for tests: sane defaults, and what a test is about as a keyword."""

from collections.abc import Mapping
from typing import Any

from brownout.api.integration import Integration
from brownout.api.metadata import API_VERSION
from brownout.api.policy import BrownoutPolicy

A_PROGRAM: Mapping[str, Any] = {"command": {"argv": ["sleep", "infinity"]}}


def integration_document(name: str = "voice", **spec: Any) -> dict[str, Any]:
    """Give an Integration as a file would hold it; `spec` is camelCase."""
    spec = {"workload": A_PROGRAM, **spec}
    return {"apiVersion": API_VERSION, "kind": "Integration", "metadata": {"name": name}, "spec": spec}


def policy_document(name: str = "default", **spec: Any) -> dict[str, Any]:
    """Give a BrownoutPolicy as a file would hold it; `spec` is camelCase."""
    return {"apiVersion": API_VERSION, "kind": "BrownoutPolicy", "metadata": {"name": name}, "spec": spec}


def make_integration(
    name: str = "voice",
    *,
    namespace: str = "",
    uid: str = "",
    generation: int = 1,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Integration:
    """Make an Integration. `spec` is snake_case or camelCase; measures are numbers or text."""
    metadata = {"name": name, "namespace": namespace, "uid": uid, "generation": generation}
    spec = {"workload": A_PROGRAM, **spec}
    return Integration.model_validate({"metadata": metadata, "spec": spec, "status": status})


def make_policy(name: str = "default", *, generation: int = 1, **spec: Any) -> BrownoutPolicy:
    """Make a BrownoutPolicy. `spec` is snake_case or camelCase; measures are numbers or text."""
    return BrownoutPolicy.model_validate({"metadata": {"name": name, "generation": generation}, "spec": spec})
