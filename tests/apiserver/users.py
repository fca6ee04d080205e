"""Who may talk to the API server of the tests: static tokens, and the kubeconfigs that carry them.

What a user may do is not said here: that is RBAC's, and the manifests under test declare it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

ADMIN = "admin"
"""May do everything (group system:masters)."""

BROWNOUT = "brownout"
"""May do nothing by itself: what a test grants is what it has."""

SERVICE_ACCOUNT = "system:serviceaccount:brownout-system:brownout"
"""The name and the groups of the ServiceAccount of the manifests, so that their RBAC is what is tried."""


@dataclass(frozen=True, slots=True)
class User:
    """A name, its groups, and a token made for this run."""

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def csv_row(self) -> str:
        """A row of kube-apiserver's --token-auth-file: token, user, uid, "groups"."""
        return f'{self.token},{self.name},{self.name},"{",".join(self.groups)}"\n'


def standard_users() -> dict[str, User]:
    """The users of every server of the tests, by name, with fresh tokens."""
    users = (
        User(ADMIN, ("system:masters",)),
        User(BROWNOUT),
        User(SERVICE_ACCOUNT, ("system:serviceaccounts", "system:serviceaccounts:brownout-system")),
    )
    return {user.name: user for user in users}


def write_kubeconfig(path: Path, *, server: str, authority: Path, token: str, namespace: str = "default") -> Path:
    """Writes a kubeconfig with one context; JSON, which is YAML. Returns its path, readable by the owner only."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": "tests", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests", "namespace": namespace}}],
        "current-context": "tests",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))
    return path
