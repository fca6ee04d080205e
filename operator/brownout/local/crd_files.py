"""The CRDs as the files that stand in `crds/` and that `brownout crds` prints."""

from collections.abc import Mapping
from typing import Final

from brownout.api.crd import crd_documents, crd_file_name
from brownout.disk.documents import dump_yaml

__all__ = ["render_crds"]

_HEADER: Final = (
    "# Generated from operator/brownout/api by `brownout crds`. Edits are lost, and a test fails on them.\n"
)


def render_crds() -> Mapping[str, str]:
    """Give the text of each CRD file by its name."""
    return {crd_file_name(crd): _HEADER + dump_yaml(crd) for crd in crd_documents()}
