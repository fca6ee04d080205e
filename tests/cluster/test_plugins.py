"""Plugins in a cluster: run by an agent that was given a folder of them, and only those that its list names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brownout.bootstrap.settings import HomeMode
from brownout.sensing.processes import ProcTable
from tests.apiserver.cluster import ApiServer
from tests.apiserver.kubectl import Kubectl
from tests.builders import integration_document, policy_document
from tests.cli.typed import typed
from tests.controllers import running
from tests.eventually import eventually

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"


def declare(kubectl: Kubectl, *names: str, **config: Any) -> None:
    """Integrations whose workload is the plugin of their name."""
    for name in names:
        workload = {"plugin": {"name": name, "load": "Eager", "config": config}}
        kubectl.apply(json.dumps(integration_document(name, workload=workload, memory="64Mi", stop={"grace": "5s"})))


def status(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """What the controller says of it."""
    return dict(kubectl.get("integration", name).get("status") or {})


def workers(state: Path) -> int:
    """How many processes of plugins there are."""
    return len(ProcTable().marked("BROWNOUT_PLUGIN_HOST", str(state.resolve())))


def test_what_is_trusted_runs_and_nothing_else(api_server: ApiServer, kubectl: Kubectl, tmp_path: Path) -> None:
    """The trusted one is Enabled and measured, the other says why not; a withdrawn one leaves nothing behind."""
    state = tmp_path / "state"
    trusted = typed("plugins", "trust", "stubs", "--plugins", PLUGINS, "--state", state, home=tmp_path)
    assert trusted.code == 0, trusted.err
    kubectl.install(ROOT / "crds")
    kubectl.attempt("create", "namespace", "brownout-system")
    kubectl.apply(json.dumps(policy_document(interval="1s", window="2m", forecast={"horizon": "5s"})))
    declare(kubectl, "stubs", "example")
    with running(HomeMode.KUBE, state, kubeconfig=api_server.admin_kubeconfig, plugins=PLUGINS):
        eventually(lambda: status(kubectl, "stubs").get("state") == "Enabled", within_s=60)
        eventually(lambda: status(kubectl, "stubs").get("memory"), within_s=30)
        refused = eventually(lambda: said(kubectl, "example", "WorkloadMissing"), within_s=30)
        assert "is not trusted" in refused["message"]
        assert workers(state) >= 1
        kubectl("delete", "integration", "stubs")
        eventually(lambda: workers(state) == 0, within_s=30)
    assert workers(state) == 0


def said(kubectl: Kubectl, name: str, reason: str) -> dict[str, Any]:
    """The status once it has this reason; empty before."""
    found = status(kubectl, name)
    return found if found.get("reason") == reason else {}
