"""Where things live in the Kubernetes API: groups, versions, plurals, and the paths made of them.

Every part of a path is escaped, so that a name can never reach another resource. It knows no client and sends nothing.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from brownout.api.metadata import GROUP, VERSION

__all__ = ["EVENTS", "INTEGRATIONS", "LEASES", "POLICIES", "Endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of resource that the API server serves. The group is empty for the core."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        """Where the version is served; its discovery document stands there."""
        return f"/apis/{quote(self.group)}/{quote(self.version)}" if self.group else f"/api/{quote(self.version)}"

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Give the path of one object, of its subresource, or of all of them where no name is given."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(quote(self.plural, safe=""))
        parts.extend(quote(part, safe="") for part in (name, subresource) if part)
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


INTEGRATIONS: Final = Endpoint(group=GROUP, version=VERSION, plural="integrations")
POLICIES: Final = Endpoint(group=GROUP, version=VERSION, plural="brownoutpolicies", namespaced=False)
LEASES: Final = Endpoint(group="coordination.k8s.io", version="v1", plural="leases")
EVENTS: Final = Endpoint(group="", version="v1", plural="events")
