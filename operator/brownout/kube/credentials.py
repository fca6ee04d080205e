"""Who we are to the API server: found as kubectl finds it, for our own requests and for kopf's watch alike.

A kubeconfig that was named, else $KUBECONFIG, else ~/.kube/config, else the service account of the pod. It is read
again whenever the API server stops accepting what was read, so that a rotated token or a replaced file needs no
restart.
"""

import os
from pathlib import Path
from typing import Any

import kopf
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from brownout.core.errors import HomeUnavailable

__all__ = ["Credentials"]

_HOME_FILE = "~/.kube/config"
_NONE_FOUND = "no cluster is configured: there is neither a kubeconfig nor a service account"
_ADVICE = "set KUBECONFIG or run in a pod; `kubectl config view` shows what kubectl uses"


class Credentials:
    """One source of truth for address, trust and identity."""

    def __init__(self, *, kubeconfig: str | None = None, context: str | None = None) -> None:
        self._named = kubeconfig
        self._context = context

    @property
    def files(self) -> tuple[str, ...]:
        """The kubeconfig files in force; empty where the service account of the pod is used."""
        paths = (self._named or os.environ.get("KUBECONFIG") or _HOME_FILE).split(os.pathsep)
        found = (str(Path(path).expanduser()) for path in paths if path)
        return tuple(path for path in found if Path(path).is_file())

    @property
    def source(self) -> str:
        """Say where they come from, for people."""
        return f"kubeconfig {os.pathsep.join(self.files)}" if self.files else "the pod's service account"

    @property
    def configured(self) -> bool:
        """Whether there is a cluster to ask at all; says nothing of whether it answers."""
        return bool(self.files) or bool(os.environ.get("KUBERNETES_SERVICE_HOST"))

    def require(self) -> None:
        """Nothing where there is a cluster to ask. Raises HomeUnavailable else: waiting brings no kubeconfig about."""
        if self._named and not self.files:
            raise HomeUnavailable(f"the kubeconfig {self._named} does not exist", advice="check the path")
        if not self.configured:
            raise HomeUnavailable(_NONE_FOUND, advice=_ADVICE)

    async def load(self) -> Configuration:
        """Read them anew. Raises HomeUnavailable where there are none or they cannot be read."""
        self.require()
        configuration: Configuration = Configuration()
        try:
            await self._fill(configuration)
        except Exception as fault:
            # The loader checks no types: a kubeconfig that holds a list where it expects a map raises whatever it may.
            raise HomeUnavailable(f"cannot read {self.source}: {fault}", advice=_ADVICE) from fault
        return configuration

    async def _fill(self, configuration: Configuration) -> None:
        if not self.files:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            return
        # persist_config=False: a controller does not rewrite its owner's kubeconfig.
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=os.pathsep.join(self.files),
            context=self._context,
            client_configuration=configuration,
            persist_config=False,
        )

    async def for_kopf(self, **_: Any) -> kopf.ConnectionInfo:
        """Give the same to kopf: its login handler, called at start and whenever the API server answers 401."""
        configuration = await self.load()
        scheme, _space, token = (await configuration.get_api_key_with_prefix("BearerToken") or "").partition(" ")
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            insecure=not configuration.verify_ssl,
            scheme=scheme.capitalize() or None,
            token=token.strip() or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
            proxy_url=configuration.proxy,
        )
