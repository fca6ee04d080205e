"""A request to the API server as Kubernetes names it: verb, resource, namespace, name. Pure.

It knows the form of Kubernetes' paths and not which resources exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeRequest:
    """`resource` carries the subresource (`integrations/status`); it is empty for what is no object (`/readyz`)."""

    verb: str
    path: str
    resource: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests are meant: shell patterns, all of which must fit; `*` is any."""

    verb: str = "*"
    resource: str = "*"
    namespace: str = "*"
    name: str = "*"
    path: str = "*"

    def fits(self, request: KubeRequest) -> bool:
        """Whether the request is one of those."""
        return all(
            fnmatchcase(getattr(request, field), getattr(self, field))
            for field in ("verb", "resource", "namespace", "name", "path")
        )


EVERYTHING = Match()
WATCHES = Match(verb="watch")


def parse_request(method: str, path: str, query: Mapping[str, str]) -> KubeRequest:
    """Names a request; `path` without the query."""
    namespace, resource, name = _object(path)
    return KubeRequest(
        verb=_verb(method, resource, name, query), path=path, resource=resource, namespace=namespace, name=name
    )


def _object(path: str) -> tuple[str, str, str]:
    """Namespace, resource with subresource, and name, of /api/v1/… and /apis/GROUP/VERSION/…; empty where absent."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else []
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = ([*rest, "", "", ""])[:3]
    return namespace, f"{resource}/{subresource}".rstrip("/"), name


def _verb(method: str, resource: str, name: str, query: Mapping[str, str]) -> str:
    if method in _VERBS:
        return _VERBS[method]
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    if query.get("watch", "").lower() in {"1", "true"}:
        return "watch"
    return "list" if resource and not name else "get"
