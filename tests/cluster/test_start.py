"""Starting: what kopf would wait for without a word is told in a sentence, within a deadline."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from brownout.core.errors import HomeUnavailable
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.reader import read_cluster, why_not
from tests.apiserver.cluster import ApiServer
from tests.apiserver.users import ADMIN, BROWNOUT
from tests.cluster.homes import Running, running_home, sockets_closed
from tests.cluster.world import world_in
from tests.eventually import eventually_async
from tests.faults.faults import Rewrite
from tests.faults.kube_request import Match
from tests.faults.proxy import FaultProxy
from tests.local.loops import run


def why_it_ends(kubeconfig: Path, namespace: str = "default") -> str:
    """Run a home and give the sentence that it ends with."""

    async def story() -> str:
        async with running_home(kubeconfig, namespace=namespace) as running:
            async with asyncio.timeout(20):
                with pytest.raises(HomeUnavailable) as ended:
                    await running.task
            return str(ended.value)

    return run(story())


def test_without_our_crds_it_says_how_to_install_them(own_api_server: ApiServer) -> None:
    """And so does the choice of a mode."""
    kubeconfig = own_api_server.admin_kubeconfig
    said = why_it_ends(kubeconfig)
    assert said == (
        "the CRD integrations.brownout.dev is not installed: install it: brownout crds | kubectl apply -f -"
    )
    assert run(why_not(Credentials(kubeconfig=str(kubeconfig)))) == said


def test_a_discovery_without_namespaces_is_told(api_server: ApiServer, namespace: str, tmp_path: Path) -> None:
    """Kopf waits for it for ever, even where it watches the whole cluster."""
    world_in(api_server, namespace)

    def without_namespaces(body: dict[str, Any]) -> dict[str, Any]:
        kept = [one for one in body.get("resources", []) if not one["name"].startswith("namespaces")]
        return {**body, "resources": kept}

    with FaultProxy(api_server, tmp_path) as proxy:
        proxy.arm(Rewrite(without_namespaces), Match(path="/api/v1"))
        assert "does not tell where namespaces are" in why_it_ends(proxy.kubeconfig(ADMIN), namespace)


def test_a_missing_right_is_named(api_server: ApiServer, namespace: str) -> None:
    """Who may not list is told what is missing and where it stands."""
    world_in(api_server, namespace)
    said = why_it_ends(api_server.kubeconfig(BROWNOUT), namespace)
    assert 'cannot list resource "integrations"' in said
    assert "manifests/base" in said


def test_nobody_there_is_told_within_the_deadline(own_api_server: ApiServer) -> None:
    """An API server that is away, and a kubeconfig that is not there."""
    own_api_server.stop()
    assert "does not answer" in why_it_ends(own_api_server.admin_kubeconfig)
    assert "does not exist" in why_it_ends(Path("/nowhere/kubeconfig"))


def test_commands_read_what_a_person_may_see(api_server: ApiServer, namespace: str) -> None:
    """Integrations by name, of one namespace or of all, the ruling policy, and what cannot be read."""
    world = world_in(api_server, namespace)
    for name in ("voice", "android"):
        world.integration(name)
    world.policy(interval="5s")
    credentials = Credentials(kubeconfig=str(api_server.admin_kubeconfig))
    read = run(read_cluster(credentials, namespace=namespace))
    assert [one.name for one in read.integrations] == ["android", "voice"]
    assert read.policy is not None
    assert read.policy.spec.interval == 5.0
    everywhere = run(read_cluster(credentials))
    assert {one.name for one in read.integrations} <= {one.name for one in everywhere.integrations}
    assert run(why_not(credentials)) == ""


def test_credentials_are_found_as_kubectl_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is named, then $KUBECONFIG, then the home's, then the pod's; and without any, a clear sentence."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not Credentials().configured
    with pytest.raises(HomeUnavailable, match="no cluster is configured"):
        run(Credentials().load())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert Credentials().source == "the pod's service account"
    (tmp_path / ".kube").mkdir()
    for name in (".kube/config", "one", "two"):
        (tmp_path / name).write_text("[broken")
    assert Credentials().files == (str(tmp_path / ".kube/config"),)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}")
    assert Credentials().files == (str(tmp_path / "one"), str(tmp_path / "two"))
    named = Credentials(kubeconfig=str(tmp_path / "one"))
    assert named.files == (str(tmp_path / "one"),)
    with pytest.raises(HomeUnavailable, match="cannot read kubeconfig"):
        run(named.load())


def test_a_renewed_token_is_read_when_the_old_one_is_refused(api_server: ApiServer, tmp_path: Path) -> None:
    """A refusal is told with where the credentials come from; the next request after the renewal succeeds."""
    kubeconfig = tmp_path / "kubeconfig"
    good = api_server.admin_kubeconfig.read_text()
    kubeconfig.write_text(good.replace(api_server.token(ADMIN), "expired"))

    async def story() -> None:
        api = Api(Credentials(kubeconfig=str(kubeconfig)))
        with pytest.raises(HomeUnavailable, match=f"the credentials of kubeconfig {kubeconfig} are not accepted"):
            await api.get("/api/v1")
        troubles = [api.trouble is not None]
        kubeconfig.write_text(good)
        assert (await api.get("/api/v1")).done
        assert [*troubles, api.trouble is not None] == [True, False]
        await api.close()
        await sockets_closed()

    run(story())


def test_a_lease_without_a_namespace_says_what_is_missing(api_server: ApiServer, namespace: str) -> None:
    """Who runs it from a workstation before the manifests are applied is told so."""
    world_in(api_server, namespace)

    async def story() -> None:
        async with running_home(api_server.admin_kubeconfig, namespace="not-there") as running:
            await eventually_async(lambda: complains(running))

    async def complains(running: Running) -> bool:
        return "has no namespace not-there" in " ".join(running.home.faults())

    run(story())
