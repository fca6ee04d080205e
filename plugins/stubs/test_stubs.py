"""What canned answers promise: something is always said, and always the same way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost.trial import Trial

HERE = Path(__file__).parent


@pytest.fixture
def plugin() -> Iterator[Trial]:
    """With the answers that it ships with."""
    with Trial(HERE) as trial:
        yield trial


def said(plugin: Trial, text: str, **properties: str) -> str:
    """The text of its answer."""
    return str(plugin.ask({"text": text}, **properties).body["text"])


def test_a_command_is_answered_to_the_letter(plugin: Trial) -> None:
    """Whether it was routed by or stands at the beginning of the text; its letters may be large."""
    assert said(plugin, "!ping") == said(plugin, "!PING now") == said(plugin, "", command="!ping") == "pong"


def test_a_phrase_counts_as_whole_words_and_the_longest_wins() -> None:
    """`hell` is not in `hello`, and `how are you` goes before `you`."""
    phrases = {"hello": ["A"], "you": ["B"], "how are you": ["C"]}
    with Trial(HERE, {"phrases": phrases, "fallback": ["F"]}) as plugin:
        texts = ("well, HELLO there", "hell o", "how are you?", "you!", "shellohello")
        assert [said(plugin, text) for text in texts] == ["A", "F", "C", "B", "F"]


def test_answers_take_turns_and_the_turn_outlives_a_swap(plugin: Trial) -> None:
    """Each thing has its own turn, and the next version goes on with it."""
    first = [said(plugin, "hello") for _ in range(3)]
    assert first[0] == first[2] != first[1]
    with Trial(HERE) as successor:
        successor.import_state(["nonsense"])
        successor.import_state(plugin.export_state())
        assert said(successor, "hello") == first[1]


def test_it_calls_people_by_their_name(plugin: Trial) -> None:
    """A name is put in as it is, braces and all; without one the config has a word."""
    assert plugin.ask({"text": "hello", "name": "{0.__class__}"}).body["text"].startswith("Hello, {0.__class__}!")
    assert plugin.ask({"text": "hello"}).body["text"] == "Hi friend."


@given(
    st.text() | st.integers() | st.none() | st.dictionaries(st.sampled_from(["text", "name"]), st.text() | st.none())
)
def test_whatever_is_said_is_answered_or_refused(body: object) -> None:
    """Nothing that JSON holds makes it fail."""
    with Trial(HERE) as plugin:
        response = plugin.ask(body)
    assert bool(response.refused) != bool(response.body)


def test_one_without_answers_says_that_it_is_of_no_use() -> None:
    """An empty config is its owner's mistake, and the health check says so."""
    with Trial(HERE, {"commands": {}, "phrases": {}, "fallback": []}) as plugin:
        assert plugin.health() == (False, "the config holds no answer")
        assert plugin.ask({"text": "hello"}).refused == "there is no canned answer to this"
