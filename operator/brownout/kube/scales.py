"""The scale subresource as two requests: read it, and write it as it was read. Where it lives is found by discovery.

It decides nothing. The namespace is always the Integration's own: nobody reaches into another one through us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brownout.api.integration import Integration
from brownout.api.workload import ScaleWorkload
from brownout.core.errors import ControllerFault
from brownout.kube.client import Api
from brownout.kube.discovery import Discovery

__all__ = ["Scale", "Scales"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a scale said: how many replicas are wanted, how many pods there are, and which version said so."""

    uid: str
    version: str
    wanted: int
    present: int


class Scales:
    """Reads and writes scales."""

    def __init__(self, api: Api, discovery: Discovery) -> None:
        self._api = api
        self._discovery = discovery

    async def read(self, integration: Integration) -> Scale | str:
        """Give the scale, or the sentence that says what is missing. Raises HomeUnavailable."""
        target = _target(integration)
        path = await self._path(integration, target)
        if path is None:
            return (await self._discovery.scalable(target.api_version, target.kind)).trouble
        answer = await self._api.get(path)
        if answer.missing:
            self._discovery.forget(target.api_version, target.kind)
            return f"there is no {target.kind} {target.name} in namespace {integration.metadata.namespace}"
        return _scale(answer.body) if answer.done else answer.message

    async def write(self, integration: Integration, scale: Scale, wanted: int) -> str:
        """Ask for so many replicas; the reason why not where it is refused, else nothing. Raises HomeUnavailable."""
        path = await self._path(integration, _target(integration))
        if path is None:
            return "its kind is no longer served"
        body = {"metadata": {"uid": scale.uid, "resourceVersion": scale.version}, "spec": {"replicas": wanted}}
        answer = await self._api.patch(path, body)
        return "" if answer.done else answer.message

    async def _path(self, integration: Integration, target: ScaleWorkload) -> str | None:
        found = await self._discovery.scalable(target.api_version, target.kind)
        if found.endpoint is None:
            return None
        namespace = integration.metadata.namespace
        return found.endpoint.path(namespace=namespace, name=target.name, subresource="scale")


def _target(integration: Integration) -> ScaleWorkload:
    if integration.spec.workload.scale is None:
        raise ControllerFault("the scale driver was given a workload that is not a scale")
    return integration.spec.workload.scale


def _scale(body: Mapping[str, Any]) -> Scale:
    metadata, spec, status = (_part(body, name) for name in ("metadata", "spec", "status"))
    return Scale(
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        wanted=int(spec.get("replicas") or 0),  # 0 is left out on the wire
        present=int(status.get("replicas") or 0),
    )


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}
