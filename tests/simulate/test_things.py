"""Laws of things: what an owner declared is what the plant runs, in percent of the limit."""

import pytest

from brownout.api.integration import Integration
from brownout.simulate.ours import bytes_of
from brownout.simulate.things import declared, measured_percents, things_of, unsized
from tests.builders import make_integration
from tests.worlds import make_sample

GIB = 2**30
LIMIT = 10 * GIB


def three() -> tuple[Integration, ...]:
    """Voice with two levels, android that stubs depend on nothing of, and the essential stubs."""
    levels = [{"name": "full", "memory": 4 * GIB}, {"name": "small", "memory": GIB, "value": 0.8}]
    return (
        make_integration("stubs", priority=100, essential=True, memory=GIB // 10),
        make_integration("voice", priority=10, levels=levels),
        make_integration("android", priority=20, memory=GIB // 2, weight=7.0),
    )


def test_sizes_are_percent_of_the_limit_in_degradation_order() -> None:
    """4 GiB of 10 are 40 %; who goes first stands first; weights and values are those of core.worth."""
    voice, android, stubs = things_of(three(), LIMIT)
    assert (voice.name, voice.percent, voice.weight, voice.levels) == ("voice", 40.0, 1.0, ((10.0, 0.8),))
    assert (android.name, android.percent, android.weight) == ("android", 5.0, 7.0)
    assert (stubs.name, stubs.essential, stubs.weight) == ("stubs", True, 3.0)
    assert (voice.start_ticks, android.start_ticks) == (2, 1)


def test_what_the_essential_needs_is_as_essential() -> None:
    """A dependency of the essential is never given up, so the rivals must not give it up either."""
    needs = make_integration("stubs", essential=True, memory=GIB, depends_on=["store"])
    found = things_of((needs, make_integration("store", memory=GIB)), LIMIT)
    assert {thing.name: thing.essential for thing in found} == {"stubs": True, "store": True}


def test_what_its_owner_does_not_want_is_not_there() -> None:
    """`enabled: false` is not in the plant."""
    assert things_of((make_integration(enabled=False, memory=GIB),), LIMIT) == ()


def test_a_measurement_wins_and_scales_the_guesses_of_lower_levels() -> None:
    """Measured at 20 where 40 was guessed: the small level is 5 where 10 was guessed."""
    (voice, *_) = things_of(three(), LIMIT, measured={"voice": 20.0})
    assert (voice.percent, voice.levels) == (20.0, ((5.0, 0.8),))


def test_levels_that_nobody_sized_are_evenly_spaced() -> None:
    """Of three levels the second takes two thirds of what was measured, and the third one third."""
    made = make_integration(levels=[{"name": name} for name in ("a", "b", "c")])
    (thing,) = things_of((made,), LIMIT, measured={"voice": 30.0})
    assert [size for size, _ in thing.levels] == pytest.approx([20.0, 10.0])
    assert [value for _, value in thing.levels] == pytest.approx([2 / 3, 1 / 3])


def test_what_nobody_sized_is_named_and_left_out() -> None:
    """Nothing can be replayed of what nobody knows the size of; switched off it does not matter."""
    made = (make_integration("voice"), make_integration("android", memory=GIB), make_integration("x", enabled=False))
    assert unsized(made, LIMIT) == ("voice",)
    assert [thing.name for thing in things_of(made, LIMIT)] == ["android"]
    assert unsized(made, LIMIT, measured={"voice": 3.0}) == ()


def test_the_core_is_told_the_same_percent_in_bytes_of_the_plants_box() -> None:
    """A guess of 4 GiB on a box of 10 is 40 % of the plant's 12 GiB; all else of the spec stays."""
    made = three()
    voice, android, _ = declared(made, things_of(made, LIMIT))
    assert [level.memory for level in voice.spec.levels] == [bytes_of(40.0), bytes_of(10.0)]
    assert (android.spec.memory, android.spec.weight, android.spec.priority) == (bytes_of(5.0), 7.0, 20)


def test_what_was_measured_is_the_p95_of_the_percent() -> None:
    """One peak in forty does not count, and a sample without a limit says nothing."""
    samples = [make_sample(50.0, at=float(at), voice=10.0 if at else 40.0) for at in range(40)]
    assert measured_percents(samples)["voice"] == pytest.approx(10.0)
    assert measured_percents([]) == {}


@pytest.mark.parametrize("limit", [GIB, LIMIT, 100 * GIB])
def test_what_was_measured_is_a_share_of_its_own_box_whatever_box_is_assumed(limit: int) -> None:
    """A history knows the limit of its time: a level's guess counts beside that of the best one, and not in bytes."""
    measured = {"voice": 20.0, "android": 5.0, "stubs": 1.0}
    assert things_of(three(), limit, measured=measured) == things_of(three(), LIMIT, measured=measured)
