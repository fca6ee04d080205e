"""Tiers: the first that matches, by hand before by match, and never on what is not known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import PolicySpec, TierMatch
from brownout.core.tiers import Hardware, in_force, matches, tier_in_force
from tests.builders import make_policy

GIB = 2**30
BOX = Hardware(memory_bytes=12 * GIB, cores=4.0, gpu=True, gpu_memory_bytes=8 * GIB)
TIERS = (
    {"name": "tiny", "match": {"memoryBelow": "4Gi"}, "thresholds": {"disable": 70, "enable": 50, "emergency": 90}},
    {"name": "small", "match": {"memoryBelow": "16Gi"}, "thresholds": {"disable": 75, "enable": 60, "emergency": 92}},
    {"name": "large", "match": {"memoryAtLeast": "1Gi"}, "thresholds": {"disable": 90, "enable": 80, "emergency": 97}},
)


def make_match(**match: Any) -> TierMatch:
    """Make a match; camelCase."""
    return TierMatch.model_validate(match)


@pytest.mark.parametrize(
    ("match", "why"),
    [
        ({"memoryBelow": "16Gi"}, ("memory 12 GiB is below 16 GiB",)),
        ({"memoryBelow": "12Gi"}, ()),
        ({"memoryAtLeast": "12Gi"}, ("memory 12 GiB is at least 12 GiB",)),
        ({"memoryAtLeast": "13Gi"}, ()),
        ({"coresBelow": 4}, ()),
        ({"coresBelow": 4.5}, ("4 cores are below 4.5",)),
        ({"coresAtLeast": 4}, ("4 cores are at least 4",)),
        ({"coresAtLeast": 5}, ()),
        ({"gpu": True}, ("it has a GPU",)),
        ({"gpu": False}, ()),
        ({"gpuMemoryBelow": "9Gi"}, ("GPU memory 8 GiB is below 9 GiB",)),
        ({"gpuMemoryBelow": "8Gi"}, ()),
        ({"memoryBelow": "16Gi", "gpu": True}, ("memory 12 GiB is below 16 GiB", "it has a GPU")),
        ({"memoryBelow": "16Gi", "gpu": False}, ()),
    ],
)
def test_all_that_is_set_must_hold(match: dict[str, Any], why: tuple[str, ...]) -> None:
    """Below excludes, at least includes, and each clause says what it was measured by."""
    assert matches(make_match(**match), BOX) == why


_SIZES = st.integers(1, 64 * GIB)
_MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "memoryBelow": _SIZES,
        "memoryAtLeast": _SIZES,
        "coresBelow": st.floats(0.5, 64.0),
        "coresAtLeast": st.floats(0.5, 64.0),
        "gpu": st.booleans(),
        "gpuMemoryBelow": _SIZES,
    },
).filter(bool)


@given(match=_MATCHES)
def test_unknown_hardware_matches_nothing(match: dict[str, Any]) -> None:
    """Neither below nor at least, neither with a GPU nor without one."""
    assert matches(make_match(**match), Hardware()) == ()


@given(match=_MATCHES, memory=st.none() | _SIZES, cores=st.none() | st.floats(0.1, 64.0), gpu=st.none() | st.booleans())
def test_each_thing_that_is_asked_has_a_clause(
    match: dict[str, Any],
    memory: int | None,
    cores: float | None,
    gpu: bool | None,  # noqa: FBT001
) -> None:
    """A machine matches only where everything is known and holds."""
    hardware = Hardware(memory_bytes=memory, cores=cores, gpu=gpu)
    assert len(matches(make_match(**match), hardware)) in (0, len(match))


def test_the_first_that_matches_rules() -> None:
    """Both small and large fit; small stands first. Only the thresholds are another's."""
    policy = make_policy(tiers=TIERS, interval="10s").spec
    found = tier_in_force(policy, BOX)
    assert found.tier is not None
    assert (found.tier.name, found.why) == ("small", "memory 12 GiB is below 16 GiB")
    ruling = in_force(policy, BOX)
    assert (ruling.thresholds.disable, ruling.thresholds.enable, ruling.thresholds.emergency) == (75, 60, 92)
    assert ruling.model_copy(update={"thresholds": policy.thresholds}) == policy


@given(memory=st.none() | _SIZES)
def test_by_hand_wins(memory: int | None) -> None:
    """Whatever the machine is, and whether that is known."""
    policy = make_policy(tiers=TIERS, tier="tiny").spec
    assert in_force(policy, Hardware(memory_bytes=memory)).thresholds.disable == 70
    assert tier_in_force(policy, BOX).why == "spec.tier names tiny"


@pytest.mark.parametrize("policy", [make_policy().spec, make_policy(tiers=TIERS[:1]).spec])
def test_where_none_matches_the_policy_rules_itself(policy: PolicySpec) -> None:
    """The very same policy, and it is said why."""
    assert in_force(policy, BOX) is policy
    assert tier_in_force(policy, BOX).why in ("the policy has no tiers", "no tier matches this machine")


def test_what_is_not_known_yet_leaves_the_policy_alone() -> None:
    """Before the first look at the machine no tier is in force."""
    policy = make_policy(tiers=TIERS).spec
    assert in_force(policy, Hardware()) is policy
