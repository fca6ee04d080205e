"""The home in a cluster: custom resources and scale subresources, through the API server."""

import os
import socket
import uuid

from brownout.api.workload import WorkloadKind
from brownout.bootstrap.assembly import Parts
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.settings import Settings
from brownout.engine.ports import WorkloadDriver
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.identity import Identity
from brownout.kube.reader import why_not
from brownout.kube.refusals import RefusedWorkloads
from brownout.kube.scale import ScaleDriver
from brownout.kube.store import KubeHome

_NAMESPACE = "brownout-system"  # of manifests/base; where the leases live


def identity_of(settings: Settings) -> Identity:
    """Who we are: the pod where there is one (the downward API names it), else this very process."""
    pod = os.environ.get("POD_NAME", "")
    namespace = os.environ.get("POD_NAMESPACE", "") or _NAMESPACE
    name = pod or f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    return Identity(name=name, namespace=namespace, node=settings.node, pod=pod)


def cluster(settings: Settings, why: str, *, clock: SteadyClock) -> Parts:
    """The parts of a cluster home. Made inside the event loop."""
    api = Api(Credentials(kubeconfig=settings.kubeconfig))
    home = KubeHome(api, clock, identity_of(settings))
    refused = RefusedWorkloads()
    drivers: dict[WorkloadKind, WorkloadDriver] = {
        WorkloadKind.COMMAND: refused,
        WorkloadKind.PLUGIN: refused,
        WorkloadKind.SYSTEMD: refused,
        WorkloadKind.SCALE: ScaleDriver(api, clock, protection=home.protection, fence=home.fence),
    }
    return Parts(
        home=home,
        drivers=drivers,
        service=home.run,
        hurry=_nothing_of_ours,
        close=api.close,
        why=why,
    )


async def _nothing_of_ours() -> None:
    """In a cluster nothing ends with us: its workloads are the cluster's."""


async def answers(settings: Settings) -> tuple[bool, str]:
    """Whether a cluster is configured, answers and knows our kinds, and the sentence that says so."""
    credentials = Credentials(kubeconfig=settings.kubeconfig)
    trouble = await why_not(credentials)
    return (not trouble, trouble or f"the cluster of {credentials.source} answers")
