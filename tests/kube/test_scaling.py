"""How many replicas a level means: the level's own number, else what was remembered, and never a rival's loss."""

from collections.abc import Mapping

import pytest

from brownout.api.integration import Integration, Level
from brownout.kube.scale import _goal, level_replicas
from tests.builders import make_integration
from tests.kube.objects import A_DEPLOYMENT

FULL = {"name": "full", "config": {"replicas": 4}}
REDUCED = {"name": "reduced", "config": {"replicas": 1}}
PLAIN = {"name": "plain"}


def of(*levels: Mapping[str, object]) -> Integration:
    """Give an Integration with these levels."""
    return make_integration(workload=A_DEPLOYMENT, levels=list(levels))


def goal(one: Integration, rung: int | None, *, wanted: int, remembered: int | None = None) -> int | str:
    """What a start at this rung asks for, where the scale now says `wanted`."""
    level = None if rung is None else one.spec.levels[rung]
    return _goal(one, level, wanted, remembered)


def test_a_level_says_its_number() -> None:
    """From 0, from another level, and from what its owner had chosen."""
    one = of(FULL, REDUCED)
    assert goal(one, 0, wanted=0, remembered=7) == 4
    assert goal(one, 0, wanted=1) == 4
    assert goal(one, 1, wanted=9) == 1


def test_what_was_remembered_comes_back() -> None:
    """Where no level says a number: 2 to 0 and back to 2."""
    assert goal(of(), None, wanted=0, remembered=2) == 2
    assert goal(of(PLAIN, REDUCED), 0, wanted=1, remembered=3) == 3


def test_somebody_elses_number_is_respected() -> None:
    """It is not raised, and not replaced by what was once remembered."""
    assert goal(of(), None, wanted=5, remembered=2) == 5
    assert goal(of(FULL, REDUCED), 0, wanted=2) == 2


def test_somebody_elses_zero_stays_until_somebody_says_a_number() -> None:
    """Nothing says what to return to, and the sentence says what would help."""
    answer = goal(of(), None, wanted=0)
    assert isinstance(answer, str)
    assert "config: {replicas: N}" in answer
    assert goal(of(), None, wanted=3) == 3


@pytest.mark.parametrize("replicas", [None, 0, -1, True, "3", 1.5, [2]])
def test_what_is_not_a_number_of_pods_is_none(replicas: object) -> None:
    """A level's config is free text; only a positive whole number counts."""
    assert level_replicas(Level(name="x", config={"replicas": replicas})) is None
    assert level_replicas(None) is None
