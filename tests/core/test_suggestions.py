"""Suggestions: each with the numbers of the case, none where nothing is known."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.status import LevelStatus
from brownout.core.suggestions import Facts, Missing, suggestions
from tests.builders import make_integration, make_policy

GIB = 2**30
WHEN = "RAM below 65 % for 5 min and 2 GiB fits under 80 %"


def voice(state: str = "Disabled", **changes: Any) -> Integration:
    """Make voice, which is held and takes 2 GiB."""
    status = {"state": state, "returnsWhen": WHEN, "footprint": {"steady": "2Gi", "peak": "2Gi", "source": "measured"}}
    spec = {key: changes.pop(key) for key in ("levels", "enabled") if key in changes}
    return make_integration("voice", priority=10, status={**status, **changes}, **spec)


def other(name: str, memory: str, *, priority: int = 20, **spec: Any) -> Integration:
    """Make one that runs and holds so much."""
    return make_integration(name, priority=priority, status={"state": "Enabled", "memory": memory}, **spec)


def policy(percent: float | None, *, limit: str = "12Gi", **spec: Any) -> BrownoutPolicy:
    """Make a policy whose status says what is in use of how much."""
    made = make_policy(**spec)
    status = {"memoryPercent": percent, "hardware": {"memory": limit}}
    return BrownoutPolicy.model_validate({**made.to_wire(), "status": status})


def asked(*integrations: Integration, percent: float | None = 75.0, **facts: Any) -> tuple[str, ...]:
    """What is suggested for voice."""
    ruling = facts.pop("policy", None) or policy(percent)
    return suggestions("voice", Facts(integrations=integrations, policy=ruling, **facts))


def test_the_largest_holder_is_named_with_its_cache() -> None:
    """The sentence of requirement Q4; without a measurement of the cache another one."""
    discord = other("discord", "2254857830", levels=[{"name": "full"}])
    (first, *_) = asked(voice(), discord, file_shares={"discord": 0.6})
    assert first == "discord holds 2.1 GiB, 60 % of it files that it has mapped: lower its cache, or raise the budget"
    (first, *_) = asked(voice(), discord)
    assert first == "discord holds 2.1 GiB, the most of all: whatever makes it smaller helps voice first"
    (first, *_) = asked(voice(), other("discord", "2254857830"))
    assert first == "discord holds 2.1 GiB and has no levels: with a smaller one it could give way by a part"


def test_how_much_is_missing_is_said_both_ways() -> None:
    """9 of 12 GiB in use, 2 to come: 1.4 GiB less, or 13.8 GiB to use."""
    found = asked(voice(), policy=policy(75.0, memoryBudget="12Gi"))
    assert (
        found[0]
        == "1.4 GiB less in use brings voice back, and so does a memoryBudget of 13.8 GiB, 1.8 GiB more than now"
    )
    machine = asked(voice())
    assert "a machine (or a cgroup limit) of 13.8 GiB, 1.8 GiB more than now" in machine[0]


def test_a_level_that_would_fit_is_proposed() -> None:
    """80 % of 12 GiB are 9.6; with 9 in use a level of 0.6 GiB fits."""
    fits = r"a level of its own that takes less than 61\d(\.\d)? MiB fits under 80 % now: write one into spec.levels"
    assert any(re.fullmatch(fits, text) for text in asked(voice())), asked(voice())
    leveled = voice(levels=[{"name": "large", "memory": "2Gi"}])
    assert any("a level smaller than its smallest" in text for text in asked(leveled))
    assert not any("spec.levels" in text for text in asked(voice(), percent=90.0))


def test_who_could_go_in_its_place() -> None:
    """The least important above it that is large enough, and never the essential."""
    found = asked(voice(), other("small", "100Mi", priority=11), other("bot", "2Gi"), other("big", "4Gi", priority=30))
    assert "with a priority above 20 bot, which holds 2 GiB, would go before it" in found
    kept = asked(voice(), other("bot", "2Gi", essential=True), other("pin", "2Gi", pinned=True))
    assert not any("would go before it" in text for text in kept)


def test_a_level_that_fails_and_a_leak_are_named_also_where_nothing_is_missing() -> None:
    """They are worth mending before anything is short."""
    bad = voice("Enabled", returnsWhen=None, levels=[{"name": "small"}])
    bad = bad.model_copy(update={"status": bad.status and bad.status.model_copy(update={"levels": _failing()})})
    found = asked(bad, percent=30.0, growth_bytes_per_h={"bot": 200 * 2**20, "calm": 2**20})
    assert found == (
        "its level small is passed over (it ended with 1): mend it, and it is tried again by itself",
        "bot grows by 200 MiB an hour: it may leak, and a restart would give it back",
    )


def _failing() -> tuple[LevelStatus, ...]:
    return (LevelStatus(name="small", message="it ended with 1"),)


def test_nothing_is_suggested_where_nothing_is_known_or_missing() -> None:
    """No memory figure, no size, not held, or only time is missing."""
    assert asked(voice(), percent=None) == ()
    assert asked(voice(footprint=None)) == ()
    assert asked(voice("Enabled", returnsWhen=None)) == ()
    assert asked(voice(), percent=30.0) == ()
    assert suggestions("nobody", Facts(integrations=(voice(),), policy=policy(75.0))) == ()


@given(st.floats(0.0, 100.0), st.integers(1, 2**40), st.integers(0, 2**40), st.floats(1.0, 79.0))
def test_with_what_is_asked_for_it_would_return(percent: float, limit: int, takes: int, enable: float) -> None:
    """So much less in use, or so much more to use, and both conditions of a return hold, to a byte."""
    made = Missing(
        used_bytes=limit * percent / 100.0, limit_bytes=limit, takes_bytes=takes, enable=enable, disable=80.0
    )
    for used, whole in ((made.used_bytes - made.bytes, limit), (made.used_bytes, max(limit, made.budget_bytes))):
        slack = 1.0 + 1e-6 * (limit + takes)
        assert used <= whole * enable / 100.0 + slack
        if used >= 0.0:
            assert used + takes <= whole * 0.8 + slack
