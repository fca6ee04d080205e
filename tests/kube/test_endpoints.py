"""Paths of the Kubernetes API: what they look like, and that no name can leave its place."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.kube.endpoints import EVENTS, INTEGRATIONS, POLICIES


def test_paths_are_those_of_the_api() -> None:
    """Of the core, of a group, of what has a namespace and what has none."""
    assert EVENTS.path(namespace="home") == "/api/v1/namespaces/home/events"
    assert POLICIES.path(name="default", subresource="status") == (
        "/apis/brownout.dev/v1alpha1/brownoutpolicies/default/status"
    )
    assert INTEGRATIONS.path() == "/apis/brownout.dev/v1alpha1/integrations"


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_reaches_another_resource(namespace: str, name: str) -> None:
    """Whatever a name holds, the path has the same parts: a slash or a query in it is escaped."""
    path = INTEGRATIONS.path(namespace=namespace, name=name, subresource="status")
    assert path.count("/") == 8
    assert not {"?", "#", " "} & set(path)
