"""Who this controller is, and what it is responsible for: a node, and what names no node.

Each responsibility is a Lease, so that two controllers never carry out one thing twice. It knows nothing of
Integrations.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from brownout.engine.ports import Clock
from brownout.kube.client import Api
from brownout.kube.lease import Lease

__all__ = ["Identity", "Responsibilities"]

_NO_NODE: Final = "brownout"
_LONGEST_NAME: Final = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are. `name` may be the same after a restart where no twin can exist meanwhile: a pod's name is such a one.

    `namespace` is where the leases live; `pod` is empty outside of a cluster.
    """

    name: str
    namespace: str = "brownout-system"
    node: str = ""
    pod: str = ""

    @property
    def node_lease(self) -> str:
        """The name of the lease for the node, cut where the node's name is very long; that of no node without one."""
        if not self.node:
            return _NO_NODE
        name = f"{_NO_NODE}-node-{self.node}"
        if len(name) <= _LONGEST_NAME:
            return name
        return f"{name[:200].rstrip('-.')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


class Responsibilities:
    """The leases of one controller: for its node, and for what names no node. Without a node both are one."""

    def __init__(self, api: Api, clock: Clock, identity: Identity, *, lease_s: float) -> None:
        def lease(name: str) -> Lease:
            return Lease(
                api, clock, name=name, namespace=identity.namespace, identity=identity.name, duration_s=lease_s
            )

        self.node = identity.node
        self.of_none = lease(_NO_NODE)
        self.own = lease(identity.node_lease) if identity.node else self.of_none

    @property
    def leases(self) -> tuple[Lease, ...]:
        """All of them, each once."""
        return (self.own,) if self.own is self.of_none else (self.own, self.of_none)

    def lease_for(self, node: str) -> Lease:
        """The lease that stands for a node; of another agent's node we hold none, so ask `is_foreign` first."""
        return self.own if node else self.of_none

    def is_foreign(self, node: str) -> bool:
        """Whether it belongs to the agent of another node."""
        return node not in ("", self.node)
