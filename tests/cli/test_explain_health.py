"""`explain` on health: what the checks say and whether it gets requests, with the reason; nothing of what is off."""

from pathlib import Path
from typing import Any

import pytest

from brownout.cli.explain import explanation
from brownout.cli.source import StateSource
from tests.builders import make_integration


def condition(status: str, message: str) -> dict[str, Any]:
    """The condition Healthy."""
    at = "2026-01-02T03:04:05Z"
    return {"type": "Healthy", "status": status, "reason": "Unhealthy", "message": message, "lastTransitionTime": at}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            {
                "health": "Unhealthy",
                "circuit": "Open",
                "conditions": [condition("False", "3 checks in a row failed: x")],
            },
            "Its health: Unhealthy, its circuit: Open (3 checks in a row failed: x).",
        ),
        (
            {"health": "Healthy", "circuit": "Closed", "conditions": [condition("True", "")]},
            "Its health: Healthy, its circuit: Closed.",
        ),
        ({"circuit": "HalfOpen"}, "Its health: Unknown, its circuit: HalfOpen."),
        ({"health": "Unknown"}, None),
    ],
)
def test_it_says_how_it_is(status: dict[str, Any], line: str | None) -> None:
    """One line, with the words of the table."""
    integration = make_integration(status=status)
    lines = [each for each in explanation(integration, (integration,), (), at=0.0) if each.startswith("Its health")]
    assert lines == ([line] if line else [])


@pytest.mark.parametrize(
    ("status", "told"),
    [({"state": "Failed"}, True), ({"state": "Enabled", "health": "Unhealthy"}, True), ({"state": "Enabled"}, False)],
)
def test_of_what_fails_it_says_where_its_output_is(status: dict[str, Any], *, told: bool) -> None:
    """Whoever asks why it fails wants to read what it printed; of one that is well nobody does."""
    integration, file = make_integration(status=status), Path("state/logs/voice.log")
    lines = explanation(integration, (integration,), (), at=0.0, output=file)
    assert ("What it printed: state/logs/voice.log" in lines) is told


def test_its_output_is_looked_for_in_the_state_folder(tmp_path: Path) -> None:
    """Where there is no such file (a unit, a plugin) there is nothing to say."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "voice.log").write_text("no such table")
    source = StateSource(tmp_path)
    assert (source.output_of("voice"), source.output_of("unit")) == (tmp_path / "logs" / "voice.log", None)


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ({"failurePercent": 0.0}, "nothing is known of it yet"),
        ({"failurePercent": 2.5}, "2.5 % of its requests or checks failed"),
        ({"failurePercent": 0.0, "responseMs": 12.0}, "answers in 12 ms; 0 % of its requests or checks failed"),
    ],
)
def test_of_a_level_that_nobody_asked_no_failures_are_counted(level: dict[str, Any], told: str) -> None:
    """`0 % of its requests failed` of one that never had a request says what nobody knows."""
    integration = make_integration(status={"levels": [{"name": "full", **level}]})
    lines = tuple(explanation(integration, (integration,), (), at=0.0))
    assert f"Its level full: {told}." in lines
