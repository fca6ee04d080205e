"""The picture of the breaker in docs/health.md, drawn from the table that the breaker runs on.

    python -m tests.docs.diagram

draws it anew between its marks.
"""

from __future__ import annotations

import re
from typing import Final

from brownout.api.reasons import Circuit
from brownout.core.breaker import TRANSITIONS
from tests.checkout import ROOT

PAGE: Final = ROOT / "docs" / "health.md"
MARK: Final = re.compile(r"(?<=<!-- begin breaker -->\n).*?(?=<!-- end -->)", re.DOTALL)


def drawn() -> str:
    """The states and every transition between two of them, as a diagram, and all of the table below it."""
    lines = [f"    {before.value} --> {after.value}: {on.value}" for (before, on), after in TRANSITIONS.items()]
    start = f"    [*] --> {Circuit.CLOSED.value}"
    picture = "\n".join(("```mermaid", "stateDiagram-v2", start, *lines, "```"))
    rows = [f"| `{before.value}` | {on.value} | `{after.value}` |" for (before, on), after in TRANSITIONS.items()]
    return "\n".join((picture, "", "| from | on | to |", "| --- | --- | --- |", *rows, ""))


def render() -> str:
    """The page as it should be."""
    return MARK.sub(lambda _: drawn(), PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
