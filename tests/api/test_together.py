"""What only shows when all Integrations are seen together."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.integration import Integration
from brownout.api.validation import check_together
from tests.builders import make_integration

SCALE = {"scale": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}


def chain(*names: str) -> list[Integration]:
    """Make integrations each of which depends on the next; the last depends on none."""
    return [
        make_integration(name, depends_on=[names[at + 1]] if at + 1 < len(names) else [])
        for at, name in enumerate(names)
    ]


def test_a_circle_is_named_in_full_to_each_of_its_members() -> None:
    """Who is part of a circle reads the whole of it; who only leads to it is left alone."""
    circle = [make_integration("c", depends_on=["a"]), *chain("a", "b")[:1], make_integration("b", depends_on=["c"])]
    found = check_together([*circle, make_integration("leads", depends_on=["a"])])
    assert set(found) == {"a", "b", "c"}
    assert str(found["a"][0]) == 'spec.dependsOn: Invalid value: "b": makes a circle: a -> b -> c -> a'


def test_a_missing_dependency_is_no_fault() -> None:
    """It may come later."""
    assert check_together([make_integration("a", depends_on=["nobody"])]) == {}


def test_a_chain_of_a_thousand_is_no_fault() -> None:
    """Depth alone neither fails nor ends in a full stack."""
    assert check_together(chain(*(f"n{at}" for at in range(1000)))) == {}


def test_the_younger_of_two_with_one_target_is_refused() -> None:
    """What works is not lost to a later mistake: of two that switch one thing the first keeps it."""
    first, second = make_integration("b", workload=SCALE), make_integration("a", workload=SCALE)
    older = first.model_copy(
        update={"metadata": first.metadata.model_copy(update={"creation_timestamp": "2026-01-01T00:00:00Z"})}
    )
    younger = second.model_copy(
        update={"metadata": second.metadata.model_copy(update={"creation_timestamp": "2026-01-02T00:00:00Z"})}
    )
    found = check_together([younger, older])
    assert [str(problem) for problem in found["a"]] == [
        'spec.workload: Invalid value: "object": Deployment.apps/web is already switched by b'
    ]
    assert set(found) == {"a"}


def test_namespaces_and_nodes_tell_targets_apart() -> None:
    """The same name in another namespace, and the same unit on another node, is another thing."""
    unit = {"systemd": {"unit": "voice.service"}}
    others = [make_integration("a", namespace=space, workload=SCALE) for space in ("one", "two")]
    units = [make_integration(name, node=name, workload=unit) for name in ("n1", "n2")]
    assert check_together([*others, *units]) == {}


def test_two_that_run_one_program_share_nothing() -> None:
    """Each starts a process of its own."""
    assert check_together([make_integration("a"), make_integration("b")]) == {}


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3, unique=True)))
def test_without_who_is_named_no_circle_is_left(graph: dict[str, list[str]]) -> None:
    """Everybody in a circle is named: without them none is left, and whoever is named can reach itself."""
    needs = {name: [need for need in found if need != name] for name, found in graph.items()}
    everybody = [make_integration(name, depends_on=found) for name, found in needs.items()]
    named = check_together(everybody)
    rest = [one for one in everybody if one.name not in named]
    assert check_together(rest) == {}
    for name in named:
        reached: set[str] = set()
        front = set(needs[name])
        while front - reached:
            reached |= front
            front = {need for one in front for need in needs.get(one, ())}
        assert name in reached
