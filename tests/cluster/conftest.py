"""Brings the fixtures of the API server to the tests of this folder."""

from __future__ import annotations

from tests.apiserver.fixtures import api_server, assets, kubectl, namespace, own_api_server

__all__ = ["api_server", "assets", "kubectl", "namespace", "own_api_server"]
