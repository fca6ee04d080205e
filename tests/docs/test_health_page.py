"""docs/health.md shows the breaker that runs, and names the figures that the code uses."""

from __future__ import annotations

import re

from brownout.api.integration import HealthCheck
from brownout.api.quantities import format_duration
from brownout.core.breaker import STEADY_S, doubled
from brownout.core.health import KEPT, LATELY_S
from brownout.local.checking.http import MOST_BODY_BYTES, MOST_HEAD_BYTES
from tests.docs.diagram import PAGE, drawn, render


def test_the_picture_is_drawn_from_the_table() -> None:
    """Every transition of the table, and none besides (draw it anew: python -m tests.docs.diagram)."""
    assert PAGE.read_text(encoding="utf-8") == render()
    assert drawn() in render()


def test_its_figures_are_those_of_the_code() -> None:
    """Defaults, waits and bounds stand there as they are."""
    text = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    default = HealthCheck()
    for value in (default.period, default.timeout, default.latency_budget):
        assert f"`{format_duration(value)}`" in text
    assert ", ".join(f"{doubled(number):g}" for number in (1, 2, 3, 4)) + ", 30 s" in text
    assert f"for {STEADY_S:g} s" in text
    assert f"last {KEPT} checks" in text
    assert f"last {LATELY_S / 60:g} minutes" in text
    assert f"{MOST_HEAD_BYTES // 1024} KiB" in text
    assert f"{MOST_BODY_BYTES // 1024} KiB" in text
