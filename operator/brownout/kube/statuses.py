"""Writing a status: the whole of it at once, only where it differs, and only onto the very object it speaks of.

A JSON patch replaces /status and tests the uid in the same request: a merge could leave fields of an older status
behind, and an object that was deleted and made again under the same name must not inherit a status. What the API
server keeps may differ from what was sent (a CRD of another version drops fields), so what came back is remembered
and compared with.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brownout.core.errors import HomeUnavailable
from brownout.kube.client import JSON_PATCH, Api
from brownout.kube.endpoints import Endpoint
from brownout.kube.shelf import Shelf, Snapshot, snapshot_of

__all__ = ["StatusWriter"]

_log = logging.getLogger(__name__)

_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Echo:
    """What was sent, and what the API server made of it."""

    uid: str
    sent: Mapping[str, Any]
    kept: Mapping[str, Any] | None


class StatusWriter:
    """Writes the statuses of one kind. `wrote` puts each new version on the shelf; the watch then has to deliver it."""

    def __init__(self, api: Api, endpoint: Endpoint, shelf: Shelf, *, wrote: Callable[[Snapshot], None]) -> None:
        self._api = api
        self._endpoint = endpoint
        self._shelf = shelf
        self._wrote = wrote
        self._echoes: dict[str, _Echo] = {}

    async def write(self, key: str, status: Mapping[str, Any]) -> bool:
        """Make it so; False where it could not be done now. An object that is gone needs no status any more."""
        self._echoes = {known: echo for known, echo in self._echoes.items() if self._shelf.get(known) is not None}
        try:
            for _ in range(_TRIES):
                known = self._shelf.get(key)
                if known is None or self._stands(known, status):
                    return True
                if await self._put(known, status):
                    return True
        except HomeUnavailable as fault:
            _log.debug("status of %s not written: %s", key, fault)
        return False

    def _stands(self, known: Snapshot, status: Mapping[str, Any]) -> bool:
        echo = self._echoes.get(known.key)
        if echo is not None and echo.uid == known.uid and echo.sent == status:
            return echo.kept == known.status
        return known.status == status

    async def _put(self, known: Snapshot, status: Mapping[str, Any]) -> bool:
        namespace, _, name = known.key.rpartition("/")
        path = self._endpoint.path(namespace=namespace, name=name, subresource="status")
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": known.uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        answer = await self._api.patch(path, patch, content_type=JSON_PATCH)
        written = snapshot_of(answer.body) if answer.done else None
        if written is not None:
            self._echoes[known.key] = _Echo(written.uid, status, written.status)
            self._wrote(written)
            return True
        _log.info("the API server refuses the status of %s: %s", known.key, answer.message)
        await self._look_again(known, namespace, name)
        return False

    async def _look_again(self, known: Snapshot, namespace: str, name: str) -> None:
        answer = await self._api.get(self._endpoint.path(namespace=namespace, name=name))
        if answer.missing:
            self._shelf.drop(known.key, known.uid)
        elif answer.done and (found := snapshot_of(answer.body)) is not None:
            self._shelf.put(found)
