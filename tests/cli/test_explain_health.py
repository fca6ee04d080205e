"""`explain` on health: what the checks say and whether it gets requests, with the reason; nothing of what is off."""

from typing import Any

import pytest

from brownout.cli.explain import explanation
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
