"""Metadata of an object, as far as Brownout reads it. Whatever else Kubernetes sends is passed over, never an error."""

from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field

from brownout.api.leaves import Text
from brownout.api.rules import Ruled
from brownout.api.wire import Wire

__all__ = ["API_VERSION", "GROUP", "METADATA_FIELDS", "VERSION", "ObjectMeta", "ObjectName", "Resource"]

GROUP: Final = "brownout.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
NAME: Final = Text(
    allowed="must be a lowercase name of letters, digits, '-' and '.', such as voice or voice-2",
    pattern=_SUBDOMAIN,
    longest=253,
)

#: A name of an object: a DNS-1123 subdomain.
ObjectName = Annotated[str, NAME]
_NAMESPACE: Final = Text(
    allowed="must be a lowercase name of letters, digits and '-'",
    pattern=r"([a-z0-9]([-a-z0-9]*[a-z0-9])?)?",
    longest=63,
)
_OPAQUE: Final = Text(longest=253)

#: What metadata may hold in a file: the fields of Kubernetes' ObjectMeta (meta/v1), for what `kubectl get -o yaml` gave
#: may be put into a file as it is.
METADATA_FIELDS: Final = frozenset(
    {
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    }
)


class ObjectMeta(Wire):
    """Who the object is."""

    model_config = ConfigDict(extra="ignore")
    null_is_absent: ClassVar[bool] = True

    name: ObjectName
    namespace: Annotated[str, _NAMESPACE] = ""
    uid: Annotated[str, _OPAQUE] = ""
    generation: int = 0
    resource_version: Annotated[str, _OPAQUE] = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class Resource(Ruled):
    """An object of the API: metadata, and what a kind adds to it."""

    metadata: ObjectMeta

    @property
    def name(self) -> str:
        """The name; unique in a home."""
        return self.metadata.name

    @property
    def uid(self) -> str:
        """Which of several that bore the name one after the other; empty where the home gives none."""
        return self.metadata.uid

    def to_wire(self) -> dict[str, Any]:
        """Give the object as a document, without metadata that is unset: a file gives neither uid nor version."""
        wire = super().to_wire()
        metadata = {key: value for key, value in wire.pop("metadata").items() if value not in ("", 0, {})}
        return {"apiVersion": wire.pop("apiVersion"), "kind": wire.pop("kind"), "metadata": metadata, **wire}
