"""The loop closed under ExpectedCost: prices decide, and the laws of the loop hold all the same."""

import pytest

from brownout.api.policy import PolicySpec
from brownout.api.reasons import Reason
from brownout.core.decide import decide
from brownout.core.plan import Verdict
from tests.builders import make_policy
from tests.core.plant import Plant, the_four_things
from tests.worlds import NOW, make_dice

MINUTE, HOUR = 60.0, 3600.0
COST = make_policy(decide={"strategy": "ExpectedCost"}).spec
BOTH = make_policy(decide={"strategy": "ExpectedCost"}, restore={"strategy": "WhenItFits"}).spec
EITHER = pytest.mark.parametrize("policy", [COST, BOTH], ids=["BelowEnable", "WhenItFits"])


def _settles(plant: Plant) -> None:
    """Right after a plan, on the same measurement, nothing more is to be done."""
    assert plant.last is not None
    assert not plant.last.steps or decide(plant.snapshot(), now=plant.now).steps == ()


@EITHER
@pytest.mark.parametrize(("base", "flips"), [(30.0, 0), (52.0, 0), (60.0, 1)])
def test_a_constant_load_flips_nothing(policy: PolicySpec, base: float, flips: int) -> None:
    """At 56 and 78 % nothing is ever switched; at 86 % voice goes once and stays off, since it would not fit (D4)."""
    plant = Plant(the_four_things(), lambda _: base, policy=policy).run(6 * HOUR, watch=_settles)
    assert len(plant.flips) == flips
    assert [flip.key for flip in plant.flips] == ["voice"][:flips]


@EITHER
def test_a_known_rise_is_met_before_it_is_there(policy: PolicySpec) -> None:
    """After three quiet hours half a point a minute up to 90 %: voice is gone before 80 % is ever measured."""
    dice = make_dice()
    plant = Plant(
        the_four_things(), lambda at: dice.gauss(40.0 + min(24.0, max(0.0, at - 3 * HOUR) / 120.0), 0.2), policy=policy
    )
    reasons: list[Reason] = []
    plant.run(
        4.2 * HOUR, watch=lambda seen: reasons.extend([seen.last.reason] if seen.last and seen.last.steps else [])
    )
    assert [flip.key for flip in plant.flips] == ["voice"]
    assert reasons == [Reason.FORECAST_ABOVE_THRESHOLD]
    assert max(plant.used) < 80.0


def _hump(at: float) -> float:
    """Give 52 %, and 66 for half an hour after two hours."""
    return 66.0 if 2 * HOUR <= at < 2.5 * HOUR else 52.0


def test_what_went_returns_when_that_is_cheaper() -> None:
    """With everything on it is 78 %, which BelowEnable would never allow; by price all are back in 45 minutes."""
    plant = Plant(the_four_things(), _hump, policy=BOTH).run(4 * HOUR, watch=_settles)
    assert {flip.key for flip in plant.flips} == {"voice", "android"}
    assert [thing.rung for thing in plant.things] == [0, 0, 0, 0]
    assert max(flip.at for flip in plant.flips) <= NOW + 2.5 * HOUR + 45 * MINUTE


def test_below_enable_only_what_goes_is_priced() -> None:
    """What returns waits for 65 %: of the same hump voice stays away, where 66 % are in use without it."""
    plant = Plant(the_four_things(), _hump, policy=COST).run(4 * HOUR, watch=_settles)
    back = [flip for flip in plant.flips if flip.to_rung < flip.from_rung]
    assert all(plant.used[round((flip.at - NOW) / 30.0)] < 65.0 for flip in back)
    assert plant.thing("voice").rung == 1


@EITHER
def test_an_emergency_is_none_of_its_business(policy: PolicySpec) -> None:
    """At 97 % everything but the essential goes in that very tick, and by 65 % all are back."""
    plant = Plant(the_four_things(), lambda at: 71.0 if HOUR <= at < 1.2 * HOUR else 35.0, policy=policy)
    verdicts: dict[float, Verdict] = {}
    plant.run(3 * HOUR, watch=lambda seen: verdicts.update({seen.now: seen.last.verdict}) if seen.last else None)
    assert verdicts[NOW + HOUR] is Verdict.EMERGENCY
    assert [flip.key for flip in plant.flips if flip.at == NOW + HOUR] == ["voice", "android", "discord"]
    assert [thing.rung for thing in plant.things] == [0, 0, 0, 0]
