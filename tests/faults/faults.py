"""What can go wrong between a client and the API server, as values. Which requests it befalls, a Rule says.

Nothing here acts: proxy.py carries the faults out on requests, stream.py on watch streams.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from tests.faults.kube_request import KubeRequest, Match


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answers with this code and a Status object, and does not ask the server."""

    status: int
    retry_after: str | None = None
    """The Retry-After header as it stands, also nonsense: "5", "0", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"."""
    reason: str = ""
    """The Status' reason; by default the one that Kubernetes gives the code."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Lets the request wait before it is passed on."""

    for_s: float


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Requests wait and open streams fall silent; all goes on once it is healed, as after lost packets."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection ends with a TCP reset instead of an answer; open streams are reset at once."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """The connection ends after so many bytes of the body: half a list, or a stream that breaks inside an event."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Trickle:
    """The body comes in pieces of so many bytes, with a pause between them."""

    piece_bytes: int
    every_s: float


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A JSON answer is changed on its way: an empty list, a discovery that lacks a resource. Not for watches."""

    edit: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Inject:
    """A line goes into the watch stream, into open ones at once and into new ones at their start."""

    line: bytes
    then_end: bool = False


@dataclass(frozen=True, slots=True)
class Hide:
    """Watch events of this type and of this object's name never arrive (shell patterns)."""

    type: str = "*"
    name: str = "*"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Watch events arrive twice."""

    type: str = "*"
    name: str = "*"


@dataclass(frozen=True, slots=True)
class Swap:
    """A watch event arrives after the one that follows it."""

    type: str = "*"
    name: str = "*"


RequestFault = Refuse | Delay | BlackHole | Reset | CutShort | Trickle | Rewrite
EventFault = Hide | Repeat | Swap
Fault = RequestFault | EventFault | Inject


@dataclass(slots=True, eq=False)
class Rule:
    """One fault in force: it befalls every `every`-th matching request (or event), at most `times` times."""

    match: Match
    fault: Fault
    times: int | None = None
    every: int = 1
    seen: int = 0
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has done all that it may."""
        return self.times is not None and self.hits >= self.times

    def strikes(self, request: KubeRequest) -> bool:
        """Whether it befalls this request; counts it."""
        if self.spent or not self.match.fits(request):
            return False
        self.seen += 1
        struck = self.seen % self.every == 0
        self.hits += struck
        return struck

    def strikes_event(self, request: KubeRequest, event: dict[str, Any]) -> bool:
        """Whether it is a fault of events, and befalls this one of the watch."""
        if not isinstance(self.fault, EventFault):
            return False
        name = event.get("object", {}).get("metadata", {}).get("name", "")
        meant = fnmatchcase(event.get("type", ""), self.fault.type) and fnmatchcase(name, self.fault.name)
        return meant and self.strikes(request)


def status_object(code: int, reason: str = "") -> dict[str, Any]:
    """The object that Kubernetes answers with when it refuses."""
    phrase = HTTPStatus(code).phrase
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"injected fault: {phrase}",
        "reason": reason or _REASONS.get(code, phrase.replace(" ", "")),
        "code": code,
    }


def error_event(code: int) -> Inject:
    """An ERROR event that ends the stream: 410 where a resourceVersion is too old, 500 where etcd is in trouble."""
    return Inject(json.dumps({"type": "ERROR", "object": status_object(code)}).encode() + b"\n", then_end=True)


def broken_json() -> Inject:
    """A line that is cut in the middle, while the stream goes on."""
    return Inject(b'{"type":"MODIFIED","object":{"kind":"Integ\n')


# Where Kubernetes' reason is not the phrase of the code.
_REASONS = {410: "Expired", 429: "TooManyRequests", 500: "InternalError", 422: "Invalid", 504: "Timeout"}
