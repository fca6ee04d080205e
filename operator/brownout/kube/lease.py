"""One controller at a time for what must be done once: a Lease of coordination.k8s.io, held by renewing it.

Another's clock is never read: a Lease is free when it has not changed for its duration *on our clock* (client-go does
the same). Ours runs out the same way. A holder that slept through its Lease (a paused process, a long outage) must
confirm it before it acts: `confirm` asks the API server, and every act needs the API server anyway, so an outage of
any length lets nobody act twice.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from brownout.core.errors import HomeUnavailable
from brownout.core.instant import Instant, to_rfc3339
from brownout.engine.ports import Clock
from brownout.kube.client import Answer, Api
from brownout.kube.endpoints import LEASES

__all__ = ["DURATION_S", "RENEW_S", "Lease"]

#: The Lease runs out after 30 s: three renewals may fail, and a crash costs at most that long.
DURATION_S: Final = 30.0
RENEW_S: Final = 10.0
# What is left of it once a request may have taken its 5 s and clocks have drifted is not relied on.
_SURE: Final = 2 / 3


class Lease:
    """One Lease, wanted by one controller."""

    def __init__(
        self, api: Api, clock: Clock, *, name: str, namespace: str, identity: str, duration_s: float = DURATION_S
    ) -> None:
        self._duration_s = duration_s
        self._api = api
        self._clock = clock
        self._path = LEASES.path(namespace=namespace, name=name)
        self._all = LEASES.path(namespace=namespace)
        self._metadata = {"name": name, "namespace": namespace}
        self._identity = identity
        self._renewed: Instant | None = None
        self._seen: tuple[str, Instant] = ("", 0.0)  # the other's version, and since when we know it
        self._turn = asyncio.Lock()
        self._homeless = False
        self.holder = ""

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self._metadata["name"]

    @property
    def why_not(self) -> str:
        """Why it is not ours; empty when it is."""
        if self.held:
            return ""
        if self._homeless:
            where = self._metadata["namespace"]
            return f"the lease {self.name} has no namespace {where} to live in: kubectl apply -k manifests/base"
        return f"the lease {self.name} is held by {self.holder or 'nobody yet'}"

    @property
    def held(self) -> bool:
        """Whether it was ours when we last heard of it. Before acting on that, see `confirm`."""
        return self._renewed is not None

    async def confirm(self) -> bool:
        """Whether it is ours now. Asks only where too long has passed to know. Raises HomeUnavailable."""
        if self._renewed is not None and self._clock.now() - self._renewed < self._duration_s * _SURE:
            return True
        return await self.renew()

    async def renew(self) -> bool:
        """Renew it, or take it where it is free; tell whether it is ours. Raises HomeUnavailable."""
        async with self._turn:
            asked = self._clock.now()
            answer = await self._api.get(self._path)
            if answer.missing:
                answer = await self._api.post(self._all, self._document({}, asked))
            elif answer.done:
                answer = await self._claim(answer.body, asked)
            return self._note(answer, asked)

    async def release(self) -> None:
        """Give it back, so that the next holder need not wait. Best effort."""
        if not self.held:
            return
        try:
            answer = await self._api.get(self._path)
            if answer.done and _spec(answer.body).get("holderIdentity") == self._identity:
                document = dict(answer.body)
                document["spec"] = {**_spec(answer.body), "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._api.put(self._path, document)
        except HomeUnavailable:
            pass  # it runs out by itself
        self._renewed = None

    async def _claim(self, body: Mapping[str, Any], asked: Instant) -> Answer:
        """Write our name where it is ours or free; else leave the answer as it is, with the other's name in it."""
        holder = _spec(body).get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._ran_out(body, asked):
            return Answer(status=409, body=body)
        return await self._api.put(self._path, self._document(body, asked))

    def _ran_out(self, body: Mapping[str, Any], now: Instant) -> bool:
        """Whether we have watched it stay unchanged for as long as its holder promised to renew it."""
        version = str(body.get("metadata", {}).get("resourceVersion", ""))
        if version != self._seen[0]:
            self._seen = (version, now)
            return False
        promised = _spec(body).get("leaseDurationSeconds")
        return now - self._seen[1] > (promised if isinstance(promised, int) else self._duration_s)

    def _note(self, answer: Answer, asked: Instant) -> bool:
        self._homeless = answer.missing
        if answer.done:
            self._renewed, self.holder = asked, self._identity
        else:
            self._renewed = None
            self.holder = str(_spec(answer.body).get("holderIdentity") or self.holder)
        return self.held

    def _document(self, body: Mapping[str, Any], now: Instant) -> dict[str, Any]:
        before = _spec(body)
        taken = before.get("holderIdentity") != self._identity
        written = to_rfc3339(now).replace("Z", f".{int(now % 1 * 1e6):06d}Z")  # a MicroTime
        turns = before.get("leaseTransitions")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": dict(body.get("metadata") or self._metadata),
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._duration_s)),
                "acquireTime": written if taken else before.get("acquireTime"),
                "renewTime": written,
                "leaseTransitions": (turns if isinstance(turns, int) else 0) + bool(taken and body),
            },
        }


def _spec(body: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = body.get("spec")
    return spec if isinstance(spec, Mapping) else {}
