"""The command lines of etcd and kube-apiserver for a test: loopback, tokens, RBAC, no controllers behind it.

Nothing is started here. Versions from 1.20 on are served; what differs between them stands in this file.
"""

from __future__ import annotations

import random
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver.certs import ServingCertificate

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections (32768 and up): while the server is
# stopped for a test, no stranger's connection can sit on its port.
PORTS = range(20_000, 32_000)

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files and ports of one server."""

    folder: Path
    certificate: ServingCertificate
    port: int
    etcd_port: int

    @property
    def tokens(self) -> Path:
        """The file of static tokens."""
        return self.folder / "tokens.csv"

    @property
    def audit_policy(self) -> Path:
        """What is audited."""
        return self.folder / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """One JSON event a line."""
        return self.folder / "audit.log"


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) != 0:
                return port
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


def version_of(apiserver: Path) -> tuple[int, int]:
    """Major and minor version of a kube-apiserver binary, as it says itself."""
    said = subprocess.run([str(apiserver), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v(\d+)\.(\d+)\.", said)
    if found is None:
        raise RuntimeError(f"{apiserver} does not say its version: {said!r}")
    return int(found[1]), int(found[2])


def etcd_argv(etcd: Path, layout: Layout) -> tuple[str, ...]:
    """An etcd of one member that never waits for the disk: its data ends with the test."""
    client = f"http://{LOOPBACK}:{layout.etcd_port}"
    return (
        str(etcd),
        f"--data-dir={layout.folder / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls=http://{LOOPBACK}:0",
    )


def apiserver_argv(apiserver: Path, layout: Layout) -> tuple[str, ...]:
    """Flags that every version from 1.20 on knows; the ServiceAccount plugin needs controllers that do not run here."""
    key = layout.certificate.key
    return (
        str(apiserver),
        f"--etcd-servers=http://{LOOPBACK}:{layout.etcd_port}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={layout.port}",
        "--endpoint-reconciler-type=none",  # it would refuse to publish a loopback address, every 10 s
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--tls-cert-file={layout.certificate.certificate}",
        f"--tls-private-key-file={key}",
        f"--token-auth-file={layout.tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--disable-admission-plugins=ServiceAccount",
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
    )
