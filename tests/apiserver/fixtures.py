"""Fixtures around one API server for the whole test run; the conftest of each folder that needs them imports them.

Where there is no API server, what asks for one is skipped with one line, and fails where `CI=true`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.apiserver.assets import Missing, find_assets
from tests.apiserver.cluster import ApiServer
from tests.apiserver.kubectl import Kubectl

# What tests make inside a namespace. No controller empties it, and an agent that watches all namespaces would go on
# seeing what an earlier test left there.
LEFTOVERS = ("/apis/brownout.dev/v1alpha1/namespaces/{}/integrations", "/apis/apps/v1/namespaces/{}/deployments")
CLUSTER_LEFTOVERS = ("/apis/brownout.dev/v1alpha1/brownoutpolicies",)

# Kept with the run, not with the fixture: each conftest that imports a fixture has an instance of it.
_ASSETS = pytest.StashKey[Path | Missing]()
_SERVER = pytest.StashKey[ApiServer]()


@pytest.fixture(scope="session")
def assets(request: pytest.FixtureRequest) -> Path:
    """The folder with kube-apiserver, etcd and kubectl, looked for (and built) once in a run."""
    stash = request.config.stash
    if _ASSETS not in stash:
        stash[_ASSETS] = find_assets()
    found = stash[_ASSETS]
    if isinstance(found, Missing):
        no_server(found)
    return found


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest, assets: Path) -> ApiServer:
    """The API server of this run, shared by all who ask: it is started once, and must be left running."""
    stash = request.config.stash
    if _SERVER not in stash:
        server = ApiServer(assets)
        request.config.add_cleanup(server.close)
        stash[_SERVER] = server.__enter__()
    return stash[_SERVER]


@pytest.fixture
def own_api_server(assets: Path) -> Iterator[ApiServer]:
    """An API server of this test alone, which may stop it, pause it, or change what is cluster-wide."""
    with ApiServer(assets) as server:
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> Iterator[str]:
    """A fresh namespace of the shared server; emptied afterwards of what Brownout acts on."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    made = api_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.status == 201, made
    yield name
    for path in (*(path.format(name) for path in LEFTOVERS), *CLUSTER_LEFTOVERS):
        assert api_server.request("DELETE", path).status in {200, 404}, path


@pytest.fixture
def kubectl(api_server: ApiServer, namespace: str, tmp_path: Path) -> Kubectl:
    """The administrator's kubectl, in the namespace of this test."""
    return kubectl_for(api_server, api_server.admin_kubeconfig, tmp_path / "kubectl-home", namespace=namespace)


def kubectl_for(server: ApiServer, kubeconfig: Path, home: Path, *, namespace: str = "default") -> Kubectl:
    """A kubectl with another kubeconfig: of another user, or of a proxy before the server."""
    return Kubectl(server.kubectl, kubeconfig, home, namespace=namespace, knows_cel=server.supports_cel)


def no_server(missing: Missing) -> NoReturn:
    """Skips with one line; fails in CI, where a skip would go unseen."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(missing.why, pytrace=False)
    pytest.skip(missing.why)
