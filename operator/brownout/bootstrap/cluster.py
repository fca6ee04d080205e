"""The home in a cluster: custom resources and scale subresources, through the API server."""

import os
import socket
import uuid
from contextlib import ExitStack
from pathlib import Path

from brownout.api.integration import Integration
from brownout.api.workload import WorkloadKind
from brownout.bootstrap.assembly import Parts
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.plugins import Heard, Plugins
from brownout.bootstrap.settings import Settings
from brownout.engine.manifests import NoManifests
from brownout.engine.ports import WorkloadDriver
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.identity import Identity
from brownout.kube.reader import why_not
from brownout.kube.refusals import RefusedWorkloads
from brownout.kube.scale import ScaleDriver
from brownout.kube.store import KubeHome
from brownout.local.lock import StateLock

_NAMESPACE = "brownout-system"  # of manifests/base; where the leases live


def identity_of(settings: Settings) -> Identity:
    """Who we are: the pod where there is one (the downward API names it), else this very process."""
    pod = os.environ.get("POD_NAME", "")
    namespace = os.environ.get("POD_NAMESPACE", "") or _NAMESPACE
    name = pod or f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    return Identity(name=name, namespace=namespace, node=settings.node, pod=pod)


def cluster(settings: Settings, why: str, *, clock: SteadyClock, faults: FaultLine, closing: ExitStack) -> Parts:
    """The parts of a cluster home. Made inside the event loop. Raises HomeUnavailable where none is configured."""
    credentials = Credentials(kubeconfig=settings.kubeconfig)
    credentials.require()
    api = Api(credentials)
    home = KubeHome(api, clock, identity_of(settings), plugins=settings.plugins is not None)
    heard = Heard()
    plugins = _plugins(settings, heard, clock=clock, faults=faults, closing=closing)
    refused = RefusedWorkloads()
    drivers: dict[WorkloadKind, WorkloadDriver] = {
        WorkloadKind.COMMAND: refused,
        WorkloadKind.PLUGIN: plugins or refused,
        WorkloadKind.SYSTEMD: refused,
        WorkloadKind.SCALE: ScaleDriver(api, clock, protection=home.protection, fence=home.fence),
    }

    async def serve() -> None:
        if plugins is not None and not settings.dry_run:
            await plugins.recover()
        await home.run()

    return Parts(
        home=home,
        drivers=drivers,
        service=serve,
        hurry=plugins.hurry if plugins is not None else _nothing_of_ours,
        close=api.close,
        why=why,
        requests=heard.requests,
        usage=heard.usage,
        circuits=heard.circuits,
        admission=heard.admission,
        secrecy=heard.secrecy,
        manifests=plugins or NoManifests(),
    )


def _plugins(
    settings: Settings, heard: Heard, *, clock: SteadyClock, faults: FaultLine, closing: ExitStack
) -> Plugins | None:
    """Who runs plugins, where the agent was given a folder of them; nothing that is not on its list of hashes runs."""
    if settings.plugins is None:
        return None
    state = Path(settings.state)
    closing.enter_context(StateLock(state))  # two agents on one folder would end each other's workers
    folders = (Path(settings.plugins),)
    return Plugins(state=state, folders=folders, clock=clock, faults=faults, heard=heard, always=True, key_of=_key_of)


def _key_of(integration: Integration) -> str:
    """How a cluster's home calls it."""
    return f"{integration.metadata.namespace}/{integration.metadata.name}"


async def _nothing_of_ours() -> None:
    """Without plugins nothing ends with us: a cluster's workloads are the cluster's."""


async def answers(settings: Settings) -> tuple[bool, str]:
    """Whether a cluster is configured, answers and knows our kinds, and the sentence that says so."""
    credentials = Credentials(kubeconfig=settings.kubeconfig)
    trouble = await why_not(credentials)
    return (not trouble, trouble or f"the cluster of {credentials.source} answers")
