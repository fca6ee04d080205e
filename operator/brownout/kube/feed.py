"""What is known of one kind of object, from three sources: the watch, our own listing, and answers to our requests.

The watch is the only source that must never fall silent, so what the other two tell is held against it (canary.py).
"""

from collections.abc import Mapping
from typing import Any

from brownout.core.errors import HomeUnavailable
from brownout.core.instant import Instant
from brownout.kube.canary import Canary, Silence
from brownout.kube.endpoints import Endpoint
from brownout.kube.shelf import Shelf, Snapshot, newer, snapshot_of

__all__ = ["Feed"]


class Feed:
    """One kind: its shelf, and its canary."""

    def __init__(self, endpoint: Endpoint, *, floor_s: float) -> None:
        self.endpoint = endpoint
        self.shelf = Shelf()
        self._canary = Canary(floor_s=floor_s)
        self._highest = ""
        self.revision = 0

    def seen(self, kind: str | None, body: Mapping[str, Any], *, now: Instant) -> bool:
        """The watch brought something; tell whether an owner's wish has changed."""
        snapshot = snapshot_of(body)
        if snapshot is None:
            return False
        self.revision += 1
        if not self._highest or newer(snapshot.version, self._highest):
            self._highest = snapshot.version
        if kind == "DELETED":
            self._canary.left(snapshot.uid)
            return self.shelf.drop(snapshot.key, snapshot.uid)
        self._canary.arrived(snapshot.uid, snapshot.version, now=now)
        return self.shelf.put(snapshot)

    def heard(self, snapshot: Snapshot, *, now: Instant) -> bool:
        """An answer to a request of ours told this; the watch has yet to bring it. Tell whether a wish has changed."""
        self.revision += 1
        self._canary.expect(snapshot.uid, snapshot.version, name=self._name(snapshot), now=now)
        return self.shelf.put(snapshot)

    def missed(self, key: str) -> bool:
        """The API server was asked for it and has it no more; tell whether a wish has changed."""
        known = self.shelf.get(key)
        if known is None:
            return False
        self.revision += 1
        self._canary.left(known.uid)
        return self.shelf.drop(key, known.uid)

    def listed(self, body: Mapping[str, Any], *, now: Instant) -> bool:
        """A whole listing; tell whether a wish has changed. Raises HomeUnavailable where time has run backwards."""
        version = str(body.get("metadata", {}).get("resourceVersion", ""))
        if self._highest and newer(self._highest, version):
            # etcd was restored from a copy: whatever the watch waits for may never come, or come again.
            raise HomeUnavailable(f"the API server went back from {self._highest} to {version}", advice="start afresh")
        found = {one.key: one for item in body.get("items") or () if (one := snapshot_of(self._typed(item)))}
        self.revision += 1
        self._canary.keep({one.uid for one in found.values()})
        for one in found.values():
            self._canary.expect(one.uid, one.version, name=self._name(one), now=now)
        return self.shelf.replace(found, version)

    @property
    def mute(self) -> bool:
        """Whether the watch has brought nothing yet of what it should."""
        return self._canary.mute

    def excuse(self) -> None:
        """The API server was away."""
        self._canary.excuse()

    def silence(self, *, now: Instant, interval_s: float) -> Silence | None:
        """What the watch owes us for too long."""
        return self._canary.silence(now=now, interval_s=interval_s)

    def _name(self, snapshot: Snapshot) -> str:
        return f"version {snapshot.version} of {snapshot.key} ({self.endpoint.plural})"

    def _typed(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Some lists leave out what all their items are."""
        kind = "Integration" if self.endpoint.namespaced else "BrownoutPolicy"
        return {"apiVersion": f"{self.endpoint.group}/{self.endpoint.version}", "kind": kind, **item}
