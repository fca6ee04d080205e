"""Laws of leaves: each accepts values, those of the CRDs declare themselves too, and neither does by halves."""

from abc import ABC
from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import Field

import brownout.pluginhost.manifest  # noqa: F401 - whose leaves are looked at too
from brownout.api.integration import Integration
from brownout.api.leaves import Declared, Leaf
from brownout.api.policy import BrownoutPolicy
from brownout.api.schema import model_schema, resource_schema
from brownout.api.wire import Wire
from brownout.pluginhost.setting import Kind, Setting


def kinds(top: type[Leaf]) -> Iterator[type[Leaf]]:
    """Every kind of leaf below this one."""
    for kind in top.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_no_leaf_lacks_what_it_promises() -> None:
    """What can be made has every method of its abstraction; the abstractions themselves cannot be made."""
    found = set(kinds(Leaf))  # type: ignore[type-abstract] # none of them is made
    assert {kind.__name__ for kind in found} >= {"Text", "Choice", "Duration", "Quantity", "_Port", "_Patterned"}
    lacking = {kind for kind in found if kind.__abstractmethods__}
    assert lacking == {Declared}
    for abstraction in (Leaf, Declared):
        assert issubclass(abstraction, ABC)
        with pytest.raises(TypeError, match="abstract"):
            abstraction()  # type: ignore[abstract] # which is the point


def test_what_cannot_be_declared_stands_in_no_crd() -> None:
    """A leaf of a manifest in a model of the wire is an error when the CRD is made, not a hole in it."""
    leaf = Setting.from_wire({"type": Kind.STRING.value, "enum": ["a", "b"]}).leaf
    assert leaf is not None
    assert not isinstance(leaf, Declared)

    class Wrong(Wire):
        """A part with such a field."""

        word: Annotated[str, leaf] = Field(description="Cannot be declared.")

    with pytest.raises(TypeError, match="no schema"):
        model_schema(Wrong)
    for model in (Integration, BrownoutPolicy):
        assert resource_schema(model)["type"] == "object"
