"""Levels in a cluster, on a real API server: pressure lowers the replicas before it switches anything off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apiserver.cluster import ApiServer
from tests.apiserver.kubectl import Kubectl
from tests.builders import integration_document
from tests.cluster.test_controller import HOG_MIB, replicas, stage, states, with_event
from tests.eventually import eventually
from tests.memory import MIB, hog

pytestmark = pytest.mark.cluster

PATIENT = {"spec": {"stabilization": {"settle": "10s"}}}
# The way back must fit well below the 500 MiB of room that there are until the disable threshold.
LEVELS = [
    {"name": "full", "memory": "400Mi", "config": {"replicas": 3}, "description": "answers with three replicas"},
    {"name": "reduced", "memory": "300Mi", "config": {"replicas": 1}, "description": "answers with one replica"},
]


def test_pressure_lowers_before_it_disables(api_server: ApiServer, kubectl: Kubectl, tmp_path: Path) -> None:
    """Voice goes to the replicas of its lower level and back, nobody goes to 0; condition and Event say it in words."""
    with stage(api_server, kubectl, tmp_path):
        scale = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "voice"}
        kubectl.apply(json.dumps(integration_document("voice", priority=10, levels=LEVELS, workload={"scale": scale})))
        kubectl("scale", "deployment/voice", "--replicas=3")
        # No pods run here, so a step frees nothing by itself: time to look before the next one is due.
        kubectl("patch", "brownoutpolicy", "default", "--type=merge", f"--patch={json.dumps(PATIENT)}")
        eventually(lambda: level(kubectl) == "full", within_s=20)
        with hog(HOG_MIB * MIB):
            eventually(lambda: level(kubectl) == "reduced", within_s=40)
            assert (states(kubectl)["voice"], replicas(kubectl)["voice"]) == ("Lowered", 1)
            reads_in_words(kubectl)
        eventually(lambda: (states(kubectl)["voice"], replicas(kubectl)["voice"]) == ("Enabled", 3), within_s=60)
        assert {states(kubectl)[name] for name in ("android", "stubs")} == {"Enabled"}
        assert level(kubectl) == "full"


def level(kubectl: Kubectl) -> str:
    """The level of voice, as its column shows it."""
    header, row = kubectl("get", "integration", "voice").splitlines()
    return row.split()[header.split().index("LEVEL")]


def reads_in_words(kubectl: Kubectl) -> None:
    """The condition and an Event say what it does now and what brings back more."""
    conditions = {it["type"]: it for it in kubectl.get("integration", "voice")["status"]["conditions"]}
    words = "voice now answers with one replica; it answers with three replicas again when RAM below "
    assert conditions["Degraded"]["status"] == "True"
    assert conditions["Degraded"]["message"].startswith(words)
    eventually(lambda: words in with_event(kubectl("describe", "integration", "voice")), within_s=10)
