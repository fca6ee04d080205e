"""What `example` promises, tried in this very process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.pluginhost.trial import Trial


@pytest.fixture
def plugin() -> Iterator[Trial]:
    """The plugin of this folder, at its best level."""
    with Trial(Path(__file__).parent, {"greeting": "Good morning", "most": 2}) as trial:
        yield trial


def test_it_greets_and_counts(plugin: Trial) -> None:
    """Each person has a count of their own."""
    assert plugin.ask({"name": "Ada"}).body == {"text": "Good morning, Ada!", "times": 1}
    assert plugin.ask({"name": "Ada"}).body["times"] == 2
    assert plugin.ask({"name": "Ben"}).body["times"] == 1


def test_it_refuses_what_it_cannot_greet(plugin: Trial) -> None:
    """A body without a name is the caller's mistake: refused in words, and no failure of the plugin."""
    assert plugin.ask({}).refused == plugin.ask(None).refused == 'the body must be {"name": ...}'


def test_at_the_lower_level_it_answers_in_brief(plugin: Trial) -> None:
    """Less is said, and the counting goes on."""
    plugin.set_level("brief")
    assert plugin.ask({"name": "Ada"}).body == {"text": "Good morning!"}
    plugin.set_level("full")
    assert plugin.ask({"name": "Ada"}).body["times"] == 2


def test_its_memory_has_an_end(plugin: Trial) -> None:
    """Beyond it strangers are greeted, and the health check says so."""
    times = [plugin.ask({"name": name}).body["times"] for name in ("Ada", "Ben", "Cem", "Cem")]
    assert times == [1, 1, 1, 1]
    assert "full" in plugin.health().message


def test_the_next_version_knows_what_the_last_one_knew(plugin: Trial) -> None:
    """State goes over; what is none is passed over."""
    plugin.ask({"name": "Ada"})
    state = plugin.export_state()
    with Trial(Path(__file__).parent) as successor:
        successor.import_state("nonsense")
        successor.import_state(state)
        assert successor.ask({"name": "Ada"}).body == {"text": "Hello, Ada!", "times": 2}
