"""Brings the box and the API server to the tests of the documentation."""

from __future__ import annotations

from tests.apiserver.fixtures import assets, own_api_server
from tests.box.conftest import stage

__all__ = ["assets", "own_api_server", "stage"]
