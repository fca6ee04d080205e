"""docs/levels.md: what it shows as a file is accepted, and the figures it names are those of the code."""

from __future__ import annotations

import re

import yaml

from brownout.api.validation import validate_document
from brownout.core import level_record
from brownout.engine import proving
from brownout.telemetry import notify
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "levels.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
FILES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_each_file_is_accepted() -> None:
    """As it stands there."""
    kinds = [type(validate_document(yaml.safe_load(text))).__name__ for text in FILES]
    assert kinds == ["Integration", "Integration", "BrownoutPolicy"]


def test_the_figures_are_those_of_the_code() -> None:
    """Times, tries and numbers that a reader may rely on."""
    assert f"has to run for {proving.PROVE_S:g} s" in WORDS
    assert proving.START_DEADLINE_S == 60.0
    assert (level_record.FIRST_REST_S, level_record.LONGEST_REST_S) == (60.0, 3600.0)
    assert f"half have failed ({level_record.FEWEST_REQUESTS} at least)" in WORDS
    assert (level_record.FAILING_SHARE, level_record.FAILING_REST_S) == (0.5, 600.0)
    assert notify.TRIES == 5
    assert f"At most {notify.MOST_WAITING} changes wait" in WORDS
