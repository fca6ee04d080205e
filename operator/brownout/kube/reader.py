"""Reading a cluster once, for commands that ask: what is declared, and whether there is a cluster to speak of.

It watches nothing and writes nothing; a person's own rights are enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.problems import Problem
from brownout.core.errors import HomeUnavailable
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.declared import RULING_POLICY
from brownout.kube.discovery import check_server
from brownout.kube.endpoints import INTEGRATIONS, POLICIES, Endpoint
from brownout.kube.feed import Feed

__all__ = ["ClusterReading", "read_cluster", "why_not"]

# A person waits for the answer, and `--mode auto` for its choice.
_TIMEOUT_S = 10.0
_CHOICE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReading:
    """What stands in the cluster. `problems` are of objects with an invalid spec, by `namespace/name` or `name`."""

    integrations: tuple[Integration, ...] = ()
    policy: BrownoutPolicy | None = None
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


async def read_cluster(credentials: Credentials, *, namespace: str = "") -> ClusterReading:
    """Read all Integrations (of one namespace, if given) and the policy. Raises HomeUnavailable."""
    api = Api(credentials, timeout_s=_TIMEOUT_S)
    try:
        integrations = await _listed(api, INTEGRATIONS, namespace)
        policies = await _listed(api, POLICIES)
    finally:
        await api.close()
    ruling = policies.shelf.get(RULING_POLICY)
    by_name = sorted(integrations.shelf, key=lambda one: one.key)
    return ClusterReading(
        integrations=tuple(one.declared for one in by_name if isinstance(one.declared, Integration)),
        policy=ruling.declared if ruling and isinstance(ruling.declared, BrownoutPolicy) else None,
        problems={one.key: one.problems for one in (*by_name, *policies.shelf) if one.problems},
    )


async def why_not(credentials: Credentials) -> str:
    """Why the cluster home cannot be used; empty when it can: a cluster is configured, answers, and has our CRDs."""
    api = Api(credentials, timeout_s=_CHOICE_S)
    try:
        await check_server(api)
    except HomeUnavailable as fault:
        return str(fault)
    finally:
        await api.close()
    return ""


async def _listed(api: Api, endpoint: Endpoint, namespace: str = "") -> Feed:
    feed = Feed(endpoint, floor_s=0.0)
    answer = await api.get(endpoint.path(namespace=namespace))
    if answer.missing:
        raise HomeUnavailable(f"the CRD {endpoint} is not installed", advice="brownout crds | kubectl apply -f -")
    if not answer.done:
        raise HomeUnavailable(f"cannot list {endpoint}: {answer.message}")
    feed.listed(answer.body, now=0.0)
    return feed
