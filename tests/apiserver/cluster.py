"""`ApiServer`: etcd and kube-apiserver on loopback, for as long as a `with` block lasts.

It can be stopped and started again on the same port and data, and paused, as in an outage. There is nothing else
of a cluster: no controllers, no kubelet, so Deployments make no Pods and a deleted namespace stays Terminating.
"""

from __future__ import annotations

import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.apiserver import flags, users
from tests.apiserver.certs import issue
from tests.apiserver.process import Child
from tests.eventually import eventually

READY_WITHIN_S = 60.0  # it takes 4 s of processor time, so 2 to 6 s by what else runs
FIRST_MINOR_WITH_CEL = 25


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: its code and its JSON (or text, where it is none)."""

    status: int
    body: Any


class ApiServer:
    """A real API server made from the programs in `assets`; enter it to start it, leave it and nothing remains."""

    def __init__(self, assets: Path) -> None:
        self._assets = assets
        self._home = tempfile.TemporaryDirectory(prefix="brownout-apiserver-", ignore_cleanup_errors=True)
        self.folder = Path(self._home.name)
        self._layout = flags.Layout(
            folder=self.folder,
            certificate=issue(self.folder, "apiserver"),
            port=flags.free_port(),
            etcd_port=flags.free_port(),
        )
        self._users = users.standard_users()
        self._write_settings()
        self.version = flags.version_of(assets / "kube-apiserver")
        self.etcd = Child(flags.etcd_argv(assets / "etcd", self._layout), self.folder / "etcd.log")
        argv = flags.apiserver_argv(assets / "kube-apiserver", self._layout)
        self._process = Child(argv, self.folder / "apiserver.log")

    def __enter__(self) -> Self:
        """Starts both and waits until it is ready."""
        try:
            self.etcd.start()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it serves; the same before and after an outage."""
        return f"https://{flags.LOOPBACK}:{self._layout.port}"

    @property
    def port(self) -> int:
        """The port of `url`."""
        return self._layout.port

    @property
    def ca_file(self) -> Path:
        """The authority that its certificate comes from."""
        return self._layout.certificate.authority

    @property
    def kubectl(self) -> Path:
        """The kubectl that came with it."""
        return self._assets / "kubectl"

    @property
    def audit_log(self) -> Path:
        """Who asked what, a JSON event a line (level Metadata); audit.py reads it."""
        return self._layout.audit_log

    @property
    def supports_cel(self) -> bool:
        """Whether it carries out the CEL rules of a CRD; older ones drop them silently."""
        return self.version >= (1, FIRST_MINOR_WITH_CEL)

    @property
    def admin_kubeconfig(self) -> Path:
        """A kubeconfig that may do everything."""
        return self.kubeconfig(users.ADMIN)

    def token(self, user: str) -> str:
        """The bearer token of one of the standard users (users.py); KeyError for another name."""
        return self._users[user].token

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig of one of the standard users."""
        path = self.folder / f"{user.replace(':', '_')}.kubeconfig"
        return users.write_kubeconfig(path, server=self.url, authority=self.ca_file, token=self.token(user))

    def start(self) -> None:
        """Starts the API server alone (etcd runs) and waits until it is ready; RuntimeError if it never is."""
        self._process.start()
        try:
            eventually(self.ready, within_s=READY_WITHIN_S)
        except AssertionError as error:
            raise RuntimeError(f"the API server does not start:\n{self._process.last_words()}") from error

    def stop(self) -> None:
        """Kills the API server alone, as an outage does; etcd keeps what it holds."""
        self._process.kill()

    def pause(self) -> None:
        """Stops the API server in its tracks: it accepts connections and answers nothing."""
        self._process.pause()

    def resume(self) -> None:
        """Ends a pause."""
        self._process.resume()

    def close(self) -> None:
        """Kills both and removes their data; may be called again."""
        self._process.kill()
        self.etcd.kill()
        self._home.cleanup()

    def ready(self) -> bool:
        """Whether it says so itself; RuntimeError if it has ended, since then it never will be."""
        for child in (self.etcd, self._process):
            if child.exit_code is not None:
                raise RuntimeError(f"{child.argv[0]} ended with {child.exit_code}:\n{child.last_words()}")
        return self.request("GET", "/readyz").status == http.client.OK

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        user: str = users.ADMIN,
        within_s: float = 10.0,
    ) -> Reply:
        """One request with JSON both ways; a patch is a merge patch. OSError where nobody answers in time."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self.token(user)}", "Content-Type": kind}
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(flags.LOOPBACK, self._layout.port, timeout=within_s, context=context)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
            is_json = response.headers.get_content_type() == "application/json"
            return Reply(response.status, json.loads(text) if is_json else text)
        finally:
            connection.close()

    def _write_settings(self) -> None:
        self._layout.tokens.touch(mode=0o600)
        self._layout.tokens.write_text("".join(user.csv_row for user in self._users.values()))
        self._layout.audit_policy.write_text(flags.AUDIT_POLICY)
