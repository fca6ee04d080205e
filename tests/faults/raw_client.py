"""The plainest client of the API server: one connection a request, nothing retried, nothing hidden.

What a fault does on the wire is seen with it as it is; kubectl and the controller are for what comes of it.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class RawClient:
    """Reads address, authority and token from a kubeconfig."""

    def __init__(self, kubeconfig: Path, *, timeout_s: float = 5.0) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._host = urlsplit(cluster["server"])
        self._trust = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._token = config["users"][0]["user"]["token"]
        self._timeout_s = timeout_s

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """Code, headers and JSON of one answer; OSError or HTTPException where none comes."""
        with self._response(method, path, body) as response:
            return response.status, response.headers, json.loads(response.read())

    def code(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        """The code of one answer."""
        return self.ask(method, path, body)[0]

    @contextmanager
    def watch(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """An open watch; `readline` gives the next line, empty at any end; `read` raises where the end is not clean."""
        with self._response("GET", f"{path}?watch=true", None) as response:
            yield response

    def connection(self) -> ssl.SSLSocket:
        """A bare connection, TLS done."""
        assert self._host.hostname is not None
        assert self._host.port is not None
        plain = socket.create_connection((self._host.hostname, self._host.port), self._timeout_s)
        return self._trust.wrap_socket(plain, server_hostname=self._host.hostname)

    @contextmanager
    def _response(self, method: str, path: str, body: Mapping[str, Any] | None) -> Iterator[http.client.HTTPResponse]:
        assert self._host.hostname is not None
        connection = http.client.HTTPSConnection(
            self._host.hostname, self._host.port, timeout=self._timeout_s, context=self._trust
        )
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()
