"""From what was seen to what is declared: refusals have reasons, and a broken edit switches nothing off."""

from collections.abc import Iterable
from typing import Any

import pytest

from brownout.api.policy import DEFAULT_POLICY
from brownout.engine.ports import Inventory
from brownout.kube.declared import Declarations
from brownout.kube.identity import Identity, Responsibilities
from brownout.kube.refusals import SelfProtection
from brownout.kube.shelf import Snapshot, snapshot_of
from tests.kube.objects import policy_body, snapshot


class Duties(Responsibilities):
    """Those of a node's agent, without a cluster to hold leases in."""

    def __init__(self, node: str) -> None:
        self.node = node


def declarations(*, node: str = "", pod: str = "") -> Declarations:
    """Give those of an agent of this node, in namespace `home`."""
    return Declarations(duties=Duties(node), protection=SelfProtection(namespace="home", pod=pod))


def inventory_of(*snapshots: Snapshot, of: Declarations | None = None, policies: Iterable[Snapshot] = ()) -> Inventory:
    """Give the inventory of these."""
    return (of or declarations()).inventory(snapshots, policies, complete=True)


def policy(name: str = "default", **details: Any) -> Snapshot:
    """Give the snapshot of a policy."""
    found = snapshot_of(policy_body(name, **details))
    assert found is not None
    return found


def test_a_sound_integration_is_declared() -> None:
    """Its key is namespace/name."""
    inventory = inventory_of(snapshot("voice"))
    assert list(inventory.integrations) == ["home/voice"]
    assert not inventory.problems


def test_a_broken_edit_keeps_the_last_good_version() -> None:
    """The good one stands in, the key is rejected, the problem has its path; a later repair ends it."""
    ours = declarations()
    inventory_of(snapshot(version=1, priority=10), of=ours)
    broken = inventory_of(snapshot(version=2, generation=2, priority="high"), of=ours)
    assert broken.integrations["home/voice"].spec.priority == 10
    assert broken.rejected == {"home/voice"}
    assert broken.problems["home/voice"][0].path == "spec.priority"
    repaired = inventory_of(snapshot(version=3, generation=3, priority=20), of=ours)
    assert repaired.integrations["home/voice"].spec.priority == 20
    assert not repaired.rejected


def test_the_last_good_version_is_not_inherited_by_a_successor() -> None:
    """An object made anew under the same name starts without one."""
    ours = declarations()
    inventory_of(snapshot(uid="first"), of=ours)
    inventory = inventory_of(snapshot(uid="second", version=2, priority="high"), of=ours)
    assert not inventory.integrations
    assert inventory.rejected == {"home/voice"}


@pytest.mark.parametrize(
    "workload",
    [{"command": {"argv": ["/bin/true"]}}, {"systemd": {"unit": "voice.service"}}],
)
def test_a_cluster_runs_nothing_on_its_nodes(workload: dict[str, Any]) -> None:
    """Whoever may edit an Integration must not command the node."""
    inventory = inventory_of(snapshot(workload=workload))
    assert not inventory.integrations
    problem = inventory.problems["home/voice"][0]
    assert problem.path == f"spec.workload.{next(iter(workload))}"
    assert "use workload.scale" in problem.sentence


def test_a_cluster_runs_plugins_where_its_agent_was_given_some() -> None:
    """Without a folder of them the refusal says what who runs the agent can do."""
    plugin = snapshot(workload={"plugin": {"name": "voice"}})
    refused = inventory_of(plugin)
    assert not refused.integrations
    assert "start it with --plugins DIR" in refused.problems["home/voice"][0].sentence
    given = Declarations(duties=Duties(""), protection=SelfProtection(namespace="home", plugins=True))
    assert list(inventory_of(plugin, of=given).integrations) == ["home/voice"]


def test_the_controller_does_not_scale_itself_away() -> None:
    """A target that our own pod is named after, in our own namespace, is refused; the same name elsewhere is not."""
    ours = declarations(pod="voice-7d9f8b6c5-x2x4z")
    inventory = inventory_of(snapshot("voice"), snapshot("voice", namespace="away"), of=ours)
    assert list(inventory.integrations) == ["away/voice"]
    assert "is the controller itself" in inventory.problems["home/voice"][0].sentence


def test_two_that_switch_one_thing_are_told_apart_by_age() -> None:
    """The second one is refused, and says who has the target already."""
    target = {"scale": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shared"}}
    inventory = inventory_of(snapshot("a", workload=target), snapshot("b", workload=target))
    assert list(inventory.integrations) == ["home/a"]
    assert "already switched by home/a" in inventory.problems["home/b"][0].sentence


def test_what_names_another_node_is_foreign() -> None:
    """An agent acts on its own node and on what names none."""
    of = declarations(node="one")
    inventory = inventory_of(snapshot("a", node="one"), snapshot("b", node="two"), snapshot("c"), of=of)
    assert inventory.foreign == {"home/b"}


def test_the_policy_named_default_rules_and_keeps_its_last_good_version() -> None:
    """A broken edit changes nothing but the problems; a deleted policy leaves the defaults."""
    ours = declarations()
    assert inventory_of(of=ours, policies=[policy(interval="5s")]).policy.spec.interval == 5.0
    broken = inventory_of(of=ours, policies=[policy(version=2, interval="soon")])
    assert broken.policy.spec.interval == 5.0
    assert broken.problems["default"][0].path == "spec.interval"
    assert not broken.rejected
    assert inventory_of(of=ours).policy == DEFAULT_POLICY


def test_other_policies_are_shadows() -> None:
    """By name, in order; one that is invalid does not run along, and never rules either."""
    inventory = inventory_of(
        policies=[policy("b"), policy("default", interval="5s"), policy("a"), policy("c", mode="x")]
    )
    assert list(inventory.shadows) == ["a", "b"]
    assert inventory.policy.spec.interval == 5.0
    assert not inventory.problems


def test_a_lease_is_named_after_its_node_however_long() -> None:
    """Two nodes never share one, and the name is one that Kubernetes takes."""
    names = {Identity(name="me", node=node).node_lease for node in ("", "one", "x" * 253, "x" * 252 + "y")}
    assert {"brownout", "brownout-node-one"} < names
    assert len(names) == 4
    assert all(len(name) <= 253 for name in names)
