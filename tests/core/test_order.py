"""The degradation order: the least important goes first, what others need goes after them, the essential never."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.core.member import Member
from brownout.core.order import degradation_order, protected
from tests.core.drawn import FEWER, any_members, tidy_members
from tests.worlds import make_member, the_four


def _names(*members: Member) -> list[str]:
    return [member.name for member in degradation_order(members)]


def test_the_four_go_in_their_order() -> None:
    """Voice first, then android, then discord; stubs last (requirement D2)."""
    assert _names(*the_four()) == ["voice", "android", "discord", "stubs"]


def test_on_a_tie_the_larger_goes_first() -> None:
    """Among equals the larger footprint, then the name."""
    members = [make_member("b", 3.0), make_member("c", 9.0), make_member("a", 3.0)]
    assert _names(*members) == ["c", "a", "b"]


@FEWER
@given(members=any_members(), draw=st.data())
def test_the_order_does_not_depend_on_the_listing(members: tuple[Member, ...], draw: st.DataObject) -> None:
    """The same members give the same order and the same protection however they are listed, rings included."""
    other = draw.draw(st.permutations(members))
    assert degradation_order(members) == degradation_order(other)
    assert sorted(member.key for member in degradation_order(members)) == sorted(member.key for member in members)
    assert protected(members) == protected(other)


@FEWER
@given(members=tidy_members())
def test_dependents_go_before_what_they_need(members: tuple[Member, ...]) -> None:
    """Nothing is taken from under what still runs, whatever the priorities say."""
    names = _names(*members)
    for member in members:
        assert all(names.index(member.name) < names.index(needed) for needed in member.needs)


@FEWER
@given(members=tidy_members(needs=False))
def test_without_dependencies_priority_rules(members: tuple[Member, ...]) -> None:
    """Lower priorities go first."""
    ranks = [member.integration.spec.priority for member in degradation_order(members)]
    assert ranks == sorted(ranks)


def test_what_others_need_is_as_important_as_they_are() -> None:
    """A database of priority 1 that an important service needs outlives everything less important than that."""
    members = [
        make_member("database", priority=1),
        make_member("shop", priority=100, depends_on=["database"]),
        make_member("game", priority=50),
    ]
    assert _names(*members) == ["game", "shop", "database"]


def test_who_is_not_wanted_lends_no_importance() -> None:
    """A dependent that its owner switched off raises nobody."""
    members = [
        make_member("database", priority=1),
        make_member("shop", priority=100, depends_on=["database"], enabled=False),
        make_member("game", priority=50),
    ]
    assert _names(*members) == ["database", "game", "shop"]


def test_what_the_essential_needs_is_protected() -> None:
    """Protection reaches through every dependency, and only where the owner wants the essential on."""
    chain = [
        make_member("stubs", essential=True, depends_on=["queue"]),
        make_member("queue", depends_on=["disk"]),
        make_member("disk"),
        make_member("voice", depends_on=["stubs"]),
    ]
    assert protected(chain) == {"stubs", "queue", "disk"}
    assert protected([make_member("stubs", essential=True, enabled=False, depends_on=["queue"]), chain[1]]) == set()


def test_a_ring_ends() -> None:
    """A ring of dependencies (refused elsewhere) is still put in one order."""
    ring = [make_member("a", depends_on=["b"]), make_member("b", depends_on=["c"]), make_member("c", depends_on=["a"])]
    assert _names(*ring) == ["a", "b", "c"]
    assert protected([*ring[1:], make_member("a", essential=True, depends_on=["b"])]) == {"a", "b", "c"}


def test_names_are_of_the_same_namespace() -> None:
    """`dependsOn` means the neighbour, not a namesake elsewhere."""
    member = make_member("shop", depends_on=["database"])
    assert member.sibling("database") == "database"
    assert Member(key="team-a/shop", integration=member.integration, ladder=member.ladder).needs == ("team-a/database",)
