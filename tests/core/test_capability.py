"""Capability: the words for people, and what is news to them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus, LevelStatus
from brownout.core.capability import capability_of, news, words
from tests.builders import make_integration
from tests.worlds import NOW

LEVELS = [
    {"name": "large", "description": "answers with its large model"},
    {"name": "small", "description": "answers with its small model"},
    {"name": "text"},
]
VOICE = make_integration("voice", levels=LEVELS)
WHEN = "RAM below 65 % for 5 min and 3 GiB fits under 80 %"
STATUSES = st.builds(
    lambda state, level: IntegrationStatus(state=state, level=level),
    st.sampled_from([*State, None]),
    st.sampled_from(["large", "small", "text", None]),
)


def status(state: State, level: str | None = None, **rest: Any) -> IntegrationStatus:
    """Make a status."""
    return IntegrationStatus(state=state, level=level, **rest)


def test_it_is_said_as_its_owner_would_say_it() -> None:
    """What it does now, and what brings back more; without a description by the level's name."""
    small = words(VOICE, (State.LOWERED, "small"), returns_when=WHEN)
    assert small == f"voice now answers with its small model; it answers with its large model again when {WHEN}"
    text = words(VOICE, (State.LOWERED, "text"), returns_when=WHEN)
    assert text == f"voice now runs at its level text; it answers with its small model again when {WHEN}"
    assert words(VOICE, (State.ENABLED, "large")) == "voice now answers with its large model again"
    assert words(make_integration("bot"), (State.ENABLED, "")) == "bot now runs again"
    assert words(VOICE, (State.DISABLED, ""), returns_when=WHEN) == f"voice is off now; it returns when {WHEN}"
    assert (
        words(make_integration("bot", enabled=False), (State.DISABLED, "")) == "bot is off now, as its owner wants it"
    )
    assert words(VOICE, (State.FAILED, "small"), trouble="it ended") == "voice does not work now: it ended"


@given(STATUSES, STATUSES)
def test_news_is_a_settled_change_of_what_was_told(before: IntegrationStatus, after: IntegrationStatus) -> None:
    """Of whom nothing was told, what is found is no news; the same is none; a switch under way is none."""
    told = {key: it for key, it in {"voice": capability_of(before)}.items() if it is not None}
    found = news(told, {"voice": after}, {"voice": VOICE}, now=NOW)
    changed = bool(told) and capability_of(after) not in (None, capability_of(before))
    assert len(found) == changed
    assert all(notice.capability == capability_of(after) and notice.text.startswith("voice ") for notice in found)


def test_a_level_that_is_passed_over_is_not_promised() -> None:
    """It returns to the next one up that works; where none does, to the best."""
    levels = (LevelStatus(name="small", message="it ended with 3"),)
    after = status(State.LOWERED, "text", returns_when=WHEN, levels=levels)
    (notice,) = news({"voice": (State.ENABLED, "large")}, {"voice": after}, {"voice": VOICE}, now=NOW)
    assert "; it answers with its large model again when" in notice.text


def test_a_notice_carries_the_words_and_the_numbers() -> None:
    """The sentence for people, and why, as the status says it."""
    after = status(State.LOWERED, "small", message="RAM 84.1 %, over 80 %", returns_when=WHEN)
    (notice,) = news({"voice": (State.ENABLED, "large")}, {"voice": after}, {"voice": VOICE}, now=NOW)
    assert (notice.why, notice.degraded) == ("RAM 84.1 %, over 80 %", True)
    assert notice.text.endswith(WHEN)
