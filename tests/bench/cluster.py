"""The controller of a cluster, on a real API server: the parts of a tick, its memory, and what it writes when idle."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brownout.bootstrap.settings import HomeMode
from brownout.local.crd_files import render_crds
from tests.apiserver.assets import Missing, find_assets
from tests.apiserver.audit import audit_events
from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.bench.box import HOUR_OF_TICKS, POLICY, tick_figures
from tests.bench.report import Figure
from tests.builders import integration_document
from tests.controllers import Running, running

NAMES = ("voice", "android", "discord", "stubs")
HEARTBEATS = ("brownoutpolicies/status", "leases")


def figures() -> Iterator[Figure]:
    """A cluster with four Deployments; nothing where there is no API server to be had."""
    assets = find_assets()
    if isinstance(assets, Missing):
        sys.stderr.write(f"{assets.why}\n")
        return
    with ApiServer(assets) as server, tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        _declare(server, Path(folder) / "kubectl-home")
        with running(HomeMode.KUBE, Path(folder) / "state", kubeconfig=server.admin_kubeconfig) as controller:
            yield from _measured(server, controller)


def _measured(server: ApiServer, controller: Running) -> Iterator[Figure]:
    controller.wait_for_ticks(HOUR_OF_TICKS, within_s=90)
    first, before, started = controller.pss_mib, _writes(server), time.monotonic()
    controller.wait_for_ticks(2 * HOUR_OF_TICKS, within_s=90)
    written, elapsed_s = _writes(server) - before, time.monotonic() - started
    controller.wait_for_ticks(5 * HOUR_OF_TICKS, within_s=180)
    last = controller.pss_mib
    yield from tick_figures("cluster, 4 integrations", controller.tick_ms())
    beats = sum(count for what, count in written.items() if what in HEARTBEATS)
    yield Figure(name="cluster: memory after an hour of ticks (PSS)", value=first, unit="MiB", goal=80.0)
    yield Figure(name="cluster: memory after five hours of ticks (PSS)", value=last, unit="MiB", goal=80.0)
    yield Figure(name="cluster: growth from hour 1 to 5, per hour", value=(last - first) / 4, unit="MiB", goal=0.25)
    others = sum(written.values()) - beats
    yield Figure(
        name="cluster: writes in an idle hour of ticks, but the heartbeat", value=others, unit="writes", goal=0
    )
    note = f"in {elapsed_s:.0f} s: they go by the clock, not by ticks"
    yield Figure(name="cluster: heartbeats (policy status and lease)", value=beats, unit="writes", note=note)


def _writes(server: ApiServer) -> Counter[str]:
    """Writes by resource, by the API server's own account; ours is the only writer by now."""
    return Counter(event.resource for event in audit_events(server.audit_log) if event.is_write)


def _declare(server: ApiServer, home: Path) -> None:
    kubectl = kubectl_for(server, server.admin_kubeconfig, home)
    kubectl.install("---\n".join(render_crds().values()))
    kubectl("create", "namespace", "brownout-system")
    for name in NAMES:
        scale = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        document = integration_document(name, essential=name == "stubs", memory="8Mi", workload={"scale": scale})
        for each in (_deployment(name), document):
            kubectl("apply", "--filename=-", stdin=json.dumps(each))
    kubectl("apply", "--filename=-", stdin=json.dumps(POLICY))


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "it", "image": "none"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
