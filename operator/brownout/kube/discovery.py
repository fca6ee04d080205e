"""What the API server serves: is our CRD there, and where does a kind that a workload names live.

Asked before kopf starts, because kopf would wait for ever without a word where the CRD or `namespaces` cannot be
discovered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from brownout.core.errors import HomeUnavailable
from brownout.core.instant import Instant
from brownout.engine.ports import Clock
from brownout.kube.client import Api
from brownout.kube.endpoints import INTEGRATIONS, POLICIES, Endpoint

__all__ = ["Discovery", "Found", "check_server"]

#: kopf waits for this one, even where it watches the whole cluster.
_NAMESPACES: Final = Endpoint(group="", version="v1", plural="namespaces", namespaced=False)
_INSTALL: Final = "brownout crds | kubectl apply -f -"

# A new kind is rare and a lookup costs one request; a kind that was missing may be installed at any moment.
_KEPT_S: Final = 600.0
_MISSING_KEPT_S: Final = 30.0


async def check_server(api: Api) -> None:
    """Make sure that kopf will find what it waits for. Raises HomeUnavailable that says what is missing."""
    for endpoint in (INTEGRATIONS, POLICIES, _NAMESPACES):
        answer = await api.get(endpoint.root)
        names = {resource["name"] for resource in _resources(answer.body)} if answer.done else set()
        if endpoint.plural in names:
            continue
        if endpoint.group:
            raise HomeUnavailable(f"the CRD {endpoint} is not installed", advice=f"install it: {_INSTALL}")
        raise HomeUnavailable(f"the API server does not tell where {endpoint} are", advice="check its discovery")


def _resources(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = body.get("resources")
    return [one for one in found if isinstance(one, Mapping) and "name" in one] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a kind lives, or why its scale cannot be used."""

    endpoint: Endpoint | None = None
    trouble: str = ""


class Discovery:
    """Kinds that have a scale subresource, remembered for a while."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[Found, Instant]] = {}

    async def scalable(self, api_version: str, kind: str) -> Found:
        """Find what `kind` of `api_version` is called in paths. Raises HomeUnavailable where it cannot be asked."""
        known = self._known.get((api_version, kind))
        if known is not None and self._clock.now() < known[1]:
            return known[0]
        found = await self._ask(api_version, kind)
        kept_s = _KEPT_S if found.endpoint else _MISSING_KEPT_S
        self._known[api_version, kind] = (found, self._clock.now() + kept_s)
        return found

    def forget(self, api_version: str, kind: str) -> None:
        """Ask again next time: the API server did not know the path that it had told."""
        self._known.pop((api_version, kind), None)

    async def _ask(self, api_version: str, kind: str) -> Found:
        group, _, version = api_version.rpartition("/")
        version_of = Endpoint(group=group, version=version, plural="")
        answer = await self._api.get(version_of.root)
        if not answer.done:
            return Found(trouble=f"the API server serves no {api_version}")
        resources = _resources(answer.body)
        plurals = [one["name"] for one in resources if one.get("kind") == kind and "/" not in one["name"]]
        if not plurals:
            return Found(trouble=f"there is no kind {kind} in {api_version}")
        if not any(one["name"] == f"{plurals[0]}/scale" for one in resources):
            return Found(trouble=f"{kind} of {api_version} cannot be scaled")
        return Found(endpoint=Endpoint(group=group, version=version, plural=plurals[0]))
