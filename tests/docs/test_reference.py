"""docs/reference.md says what the code does: no field, word, command, route or file is missing, and none is made up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path

import pytest

from brownout.api.reasons import Circuit, ConditionStatus, ConditionType, Health, Reason, State
from brownout.bootstrap.settings import ENDING
from brownout.core.plan import Action
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.ports import OutcomeStatus
from brownout.gateway.address import parse_address
from brownout.gateway.app import Gateway
from brownout.local.lane import Lane
from brownout.telemetry.redact import redacted
from tests.box.stage import Stage
from tests.checkout import ROOT
from tests.docs.generated import REFERENCE, render
from tests.eventually import eventually
from tests.fakes import FakeBudgets
from tests.gateway.served import FakeReadModel

PAGES = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md")


def first_column(heading: str) -> list[str]:
    """What stands in code in the first cell of each row of the table that begins with this heading."""
    rows = re.search(rf"^\| {re.escape(heading)} \|.*\n\| ---.*\n((?:\|.*\n)+)", REFERENCE.read_text(), re.MULTILINE)
    assert rows, heading
    return [word for row in rows[1].splitlines() for word in re.findall(r"`([^`]+)`", row.split("|")[1])]


def values(*vocabularies: Iterable[StrEnum]) -> list[str]:
    """The words of closed vocabularies."""
    return [word.value for vocabulary in vocabularies for word in vocabulary]


def test_what_the_code_can_write_is_as_the_code_would_write_it() -> None:
    """Fields, commands and rules: `python -m tests.docs.generated` brings the page up to date."""
    assert REFERENCE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("state", values(State)),
        ("reason", values(Reason)),
        ("condition", values(ConditionType)),
        ("outcome", values(OutcomeStatus)),
        ("code", ["0", "1", "2", "130"]),
    ],
)
def test_closed_vocabularies_are_told_word_for_word(heading: str, words: list[str]) -> None:
    """Each word has its row, in the order of the code, and there is no other."""
    assert first_column(heading) == words


def test_words_that_have_no_table_are_in_the_text() -> None:
    """Health, circuit, the statuses of conditions, actions, and the signals that end it."""
    text = REFERENCE.read_text()
    for word in (*values(Health, Circuit, ConditionStatus, Action),):
        assert f"`{word}`" in text, word
    assert all(number.name in text for number in ENDING)


def test_every_route_is_told() -> None:
    """Those of the gateway, and no others."""
    address = parse_address("127.0.0.1:0")
    assert address is not None
    desk = BudgetDesk(Lane("no disk"), FakeBudgets, kept=lambda: False)
    app = Gateway(FakeReadModel(desk=desk), address=address, redact=redacted)._app()
    routes = {f"{route.method} {route.resource.canonical}" for route in app.router.routes() if route.resource}
    assert set(first_column("route")) == {route for route in routes if not route.startswith("HEAD ")}


def test_every_file_of_the_state_folder_is_told(stage: Stage) -> None:
    """What a controller makes there while it runs and leaves there afterwards."""
    stage.policy()
    stage.integrate("voice", "print", "hello")
    stage.run()
    stage.until(voice="Enabled")
    eventually((stage.state / "logs" / "voice.log").exists)
    told = [name.replace("NAME", "voice") for name in first_column("file")]
    made = files(stage.state)
    stage.end()
    for name in made | files(stage.state):
        assert name in told, name
    assert {"status/voice.yaml", "history.db", "lock", "directory.yaml", "policy.yaml"} <= made
    assert stage.state.stat().st_mode & 0o077 == 0


def files(folder: Path) -> set[str]:
    """The files below a folder, without those that are being written."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return {name for name in found if not fnmatch(name, "*.new")}


def test_links_between_the_pages_lead_somewhere() -> None:
    """A file that is linked exists, and so does the heading in it."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
            name, _, anchor = target.partition("#")
            linked = (page.parent / name).resolve() if name else page
            assert linked.exists(), (page.name, target)
            assert not anchor or anchor in anchors(linked), (page.name, target)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
