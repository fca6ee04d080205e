"""kubectl as a person has it: against one server, as one user, with a home of its own.

The machine's own kubectl, its settings and its cache are never used. It does not judge what kubectl says.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from tests.eventually import eventually


class KubectlError(AssertionError):
    """kubectl refused; the message is the command and what it said."""


class Kubectl:
    """Runs one kubectl binary with one kubeconfig, in one namespace."""

    def __init__(self, program: Path, kubeconfig: Path, home: Path, *, namespace: str, knows_cel: bool) -> None:
        """`knows_cel`: whether the server has CEL rules; where not, kubectl by itself refuses a CRD that has them."""
        self._program = program
        self._namespace = namespace
        self._knows_cel = knows_cel
        home.mkdir(parents=True, exist_ok=True)
        self._env = {"KUBECONFIG": str(kubeconfig), "HOME": str(home), "PATH": os.defpath}

    def attempt(self, *argv: str, stdin: str | None = None, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs it and gives exit code, standard output and standard error, whatever they are."""
        command = [str(self._program), f"--namespace={self._namespace}", *argv]
        return subprocess.run(
            command, env=self._env, input=stdin, capture_output=True, text=True, timeout=within_s, check=False
        )

    def __call__(self, *argv: str, stdin: str | None = None, within_s: float = 60) -> str:
        """Runs it and gives its standard output; KubectlError if it fails."""
        done = self.attempt(*argv, stdin=stdin, within_s=within_s)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def get(self, *argv: str) -> Any:
        """`kubectl get … -o json`, read."""
        return json.loads(self("get", *argv, "--output=json"))

    def apply(self, manifest: str | Path, *flags: str) -> str:
        """`kubectl apply` of YAML text, or of a file or folder; what it said."""
        return self("apply", *_source(manifest), *flags, stdin=_text(manifest))

    def install(self, crds: str | Path) -> None:
        """Applies CRDs, also with rules that the server is too old for, and waits until they are served."""
        self.apply(crds, *(() if self._knows_cel else ("--validate=false",)))
        self("wait", "--for=condition=Established", "--timeout=30s", *_source(crds), stdin=_text(crds))
        found = json.loads(self("get", "--output=json", *_source(crds), stdin=_text(crds)))
        for crd in found.get("items", [found]):
            eventually(partial(self._described, crd["metadata"]["name"]), within_s=30)

    def _described(self, crd: str) -> bool:
        """Whether the schema is published, a second later; `explain` and the refusal of unknown fields rest on it."""
        return self.attempt("explain", crd).returncode == 0

    def refused(self, manifest: str) -> str:
        """What `kubectl apply` says when the server refuses; AssertionError if it takes the manifest."""
        done = self.attempt("apply", *_source(manifest), stdin=manifest)
        assert done.returncode != 0, f"the server took it: {done.stdout}"
        return done.stderr


def _source(manifest: str | Path) -> tuple[str, ...]:
    return ("--filename=-",) if isinstance(manifest, str) else (f"--filename={manifest}",)


def _text(manifest: str | Path) -> str | None:
    return manifest if isinstance(manifest, str) else None
