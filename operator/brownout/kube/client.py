"""One request to the API server, and what came back, as a value.

The official client carries it (address, TLS, tokens); this module adds what a controller needs: short timeouts,
credentials read again when they are refused, and errors that say what to do. An answer that callers must expect (404,
409, 422) is a value; everything that means "not now" is HomeUnavailable. It knows no resource.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.exceptions import OpenApiException

from brownout import __version__
from brownout.core.errors import HomeUnavailable
from brownout.kube.credentials import Credentials

__all__ = ["JSON_PATCH", "MERGE_PATCH", "Answer", "Api"]

MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"

# A planner's tick must not hang on a slow API server: 5 s is 5 times what a loaded one takes, and a sixth of a tick.
TIMEOUT_S: Final = 5.0
_NOT_NOW: Final = (429, 500, 502, 503, 504)
_UNANSWERED: Final = (aiohttp.ClientError, OpenApiException, OSError, ssl.SSLError, TimeoutError, ValueError)
_CREDENTIALS: Final = "the credentials of {source} are not accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API server said. `body` is the object, or the Status that explains the refusal."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """Whether somebody else was faster, or a precondition failed."""
        return self.status in (409, 422)

    @property
    def message(self) -> str:
        """The API server's own words."""
        return str(self.body.get("message") or f"HTTP {self.status}")


class Api:
    """The connection to one API server. Use from one event loop; close it in the end."""

    def __init__(self, credentials: Credentials, *, timeout_s: float = TIMEOUT_S) -> None:
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._client: ApiClient | None = None
        self._lock = asyncio.Lock()
        self.trouble: str | None = None
        self.on_return: Callable[[], None] = lambda: None

    @property
    def credentials(self) -> Credentials:
        """Where address and identity come from."""
        return self._credentials

    async def get(self, path: str, **query: str) -> Answer:
        """Read. Raises HomeUnavailable, as all of these do."""
        return await self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    async def patch(self, path: str, body: object, *, content_type: str = MERGE_PATCH) -> Answer:
        """Change a part."""
        return await self.call("PATCH", path, body=body, content_type=content_type)

    async def post(self, path: str, body: object) -> Answer:
        """Create."""
        return await self.call("POST", path, body=body)

    async def put(self, path: str, body: object) -> Answer:
        """Replace the whole; the resourceVersion inside is the precondition."""
        return await self.call("PUT", path, body=body)

    async def call(
        self, method: str, path: str, *, body: object = None, content_type: str = "application/json"
    ) -> Answer:
        """Send one request. Raises HomeUnavailable where no answer came, or one that only says "not now"."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._accepted(method, path, body, content_type)
        except _UNANSWERED as fault:
            self.trouble = f"the API server does not answer: {_words(fault)}"
            raise HomeUnavailable(self.trouble) from fault
        except HomeUnavailable as fault:
            self.trouble = str(fault)
            raise
        self._succeed()
        return answer

    async def _accepted(self, method: str, path: str, body: object, content_type: str) -> Answer:
        answer = await self._once(method, path, body, content_type)
        if answer.status == 401:
            await self.close()  # the token may have been renewed: read it again
            answer = await self._once(method, path, body, content_type)
        self._check(answer)
        return answer

    async def close(self) -> None:
        """End the connections. The next request opens new ones, with credentials read anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]

    async def _once(self, method: str, path: str, body: object, content_type: str) -> Answer:
        client = await self._connected()
        method, url, headers, payload, _ = await client.param_serialize(
            method,
            path,
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = await client.call_api(method, url, headers, payload)
        text = await response.read()  # type: ignore[no-untyped-call]
        if not 200 <= response.status < 300:
            return Answer(status=response.status, body=_loose(text))
        parsed = json.loads(text)
        if not isinstance(parsed, dict):
            raise ValueError("it sent something that is not an object")  # noqa: TRY004 -- an answer that cannot be read
        return Answer(status=response.status, body=parsed)

    async def _connected(self) -> ApiClient:
        async with self._lock:
            if self._client is None:
                self._client = ApiClient(configuration=await self._credentials.load())
                self._client.user_agent = f"brownout/{__version__}"
            return self._client

    def _check(self, answer: Answer) -> None:
        if answer.status == 401:
            raise HomeUnavailable(
                _CREDENTIALS.format(source=self._credentials.source), advice="log in again, or renew the token"
            )
        if answer.status == 403:
            advice = "grant the right; manifests/base holds all that Brownout needs"
            raise HomeUnavailable(f"a right is missing: {answer.message}", advice=advice)
        if answer.status in _NOT_NOW:
            raise HomeUnavailable(f"the API server refuses for now (HTTP {answer.status}): {answer.message}")

    def _succeed(self) -> None:
        """Tell that it is back after trouble: what happened meanwhile is not known."""
        if self.trouble is not None:
            self.trouble = None
            self.on_return()


def _words(fault: Exception) -> str:
    return "it takes too long" if isinstance(fault, TimeoutError) else (str(fault) or type(fault).__name__)


def _loose(text: bytes) -> Mapping[str, Any]:
    """Read a refusal: mostly a Status, but for an unknown path, or from a proxy, whatever it may be."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
