"""What is known of objects: news may be repeated, late, or about a successor of the same name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.kube.shelf import Shelf, newer, snapshot_of
from tests.kube.objects import body, snapshot


def test_old_news_never_replaces_newer() -> None:
    """A listing that was answered before an event does not undo it."""
    shelf = Shelf()
    shelf.put(snapshot(version=9, generation=2))
    assert not shelf.put(snapshot(version=4, generation=1))
    kept = shelf.get("home/voice")
    assert kept is not None
    assert kept.version == "9"


@given(st.permutations(range(1, 7)), st.lists(st.integers(1, 6), max_size=4))
def test_the_latest_version_wins_whatever_the_order(order: list[int], repeated: list[int]) -> None:
    """Reordered and repeated events leave what the last version says."""
    shelf = Shelf()
    for version in [*order, *repeated]:
        shelf.put(snapshot(version=version))
    kept = shelf.get("home/voice")
    assert kept is not None
    assert kept.version == "6"


def test_only_a_wish_counts_as_a_change() -> None:
    """A status that we wrote wakes nobody; a new generation, a successor and a deletion do."""
    shelf = Shelf()
    assert shelf.put(snapshot(version=1, generation=1))
    assert not shelf.put(snapshot(version=2, generation=1, status={"state": "Disabled"}))
    assert shelf.put(snapshot(version=3, generation=2))
    assert shelf.put(snapshot(version=4, generation=1, uid="another"))
    assert shelf.drop("home/voice", "another")


def test_a_late_deletion_does_not_take_the_successor() -> None:
    """The DELETED of a predecessor leaves the object that bears its name now (rabbitmq cluster-operator 648)."""
    shelf = Shelf()
    shelf.put(snapshot(uid="second", version=5))
    assert not shelf.drop("home/voice", "first")
    assert shelf.get("home/voice") is not None


def test_a_listing_takes_ghosts_away_and_leaves_what_is_younger() -> None:
    """What a listing does not hold is gone, unless it was made after the listing."""
    shelf = Shelf()
    shelf.put(snapshot("ghost", version=3))
    shelf.put(snapshot("newborn", version=12))
    shelf.put(snapshot("voice", version=4))
    assert shelf.replace({"home/voice": snapshot("voice", version=4)}, "10")
    assert sorted(one.key for one in shelf) == ["home/newborn", "home/voice"]


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"name": ""}},
        {"kind": "Status", "metadata": {}},
    ],
)
def test_what_is_no_object_is_passed_over(garbage: dict[str, Any]) -> None:
    """A broken stream can bring anything."""
    assert snapshot_of(garbage) is None


@pytest.mark.parametrize("status", ["text", 7, [], {"state": "Nonsense", "conditions": "none"}, {"hold": [1]}])
def test_garbage_in_a_status_harms_nothing(status: object) -> None:
    """The status is ours, but anybody may have written it: the object stays declared (acto 62)."""
    seen = snapshot_of(body(status=status))
    assert seen is not None
    assert seen.declared is not None


@pytest.mark.parametrize("spec", [None, "text", {"workload": {}}, {"workload": {"scale": 3}}, {"node": 5}])
def test_a_broken_spec_is_a_problem_of_its_object(spec: object) -> None:
    """It is told with its path, and nothing is raised."""
    seen = snapshot_of({**body(), "spec": spec})
    assert seen is not None
    assert seen.declared is None
    assert seen.problems


def test_versions_are_compared_as_numbers() -> None:
    """10 is later than 9; what is no number is later whenever it differs."""
    assert newer("10", "9")
    assert not newer("9", "10")
    assert not newer("9", "9")
    assert newer("b", "a")
