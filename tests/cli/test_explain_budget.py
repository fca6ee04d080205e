"""`explain` on budgets: how far it is used, and when it counts from zero again; nothing where there is none."""

from typing import Any

import pytest

from brownout.cli.explain import explanation
from tests.builders import make_integration

AT = "2026-01-03T00:00:00Z"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            {"state": "Approaching", "percent": 80, "resetsAt": AT},
            f"Its budget: Approaching, 80 % or more used, counts from zero at {AT}.",
        ),
        ({"state": "OK", "percent": 0}, "Its budget: OK."),
        ({}, None),
    ],
)
def test_it_says_how_far_it_is_used(status: dict[str, Any], line: str | None) -> None:
    """One line, in whole tens as the status has them."""
    integration = make_integration(status={"budget": status})
    lines = [each for each in explanation(integration, (integration,), (), at=0.0) if each.startswith("Its budget")]
    assert lines == ([line] if line else [])
