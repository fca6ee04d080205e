"""`brownout compare`: what other policies would have made of one's own history, and every mistake on the way there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brownout.local.remembering import record
from tests.cli.loads import COSTS, write_policy, write_state
from tests.cli.typed import Answer, typed

HELD = {"voice": 12.0, "android": 8.0, "stubs": 1.0}


def load(tick: int) -> float:
    """A base of 45 % with 25 points more for five minutes of each hour."""
    return 45.0 + 25.0 * (tick % 120 < 10)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A live policy that gives up far too early, beside the default's thresholds and one that makes no difference."""
    root = tmp_path_factory.mktemp("compare")
    state = write_state(root / "state", load, ticks=3900, held=HELD)
    folder = root / "policies"
    folder.mkdir()
    early = {"disable": 60.0, "enable": 50.0, "emergency": 95.0}
    write_policy(folder / "live.yaml", "default", thresholds=early)
    write_policy(folder / "later.yaml", "later")
    tiny = {"name": "tiny", "match": {"memoryBelow": "1Mi"}, "thresholds": {"disable": 90}}
    write_policy(folder / "alike.yaml", "alike", thresholds=early, tiers=[tiny])
    answer = typed("compare", folder, "--state", state, "-o", "json", home=root)
    assert (answer.code, answer.err) == (0, "")
    document = json.loads(answer.out)
    assert list(document) == ["live", "rows"]
    assert document["live"] == "default"
    return list(document["rows"])


def test_json_has_a_row_for_each_shadow_policy(told: list[dict[str, Any]]) -> None:
    """In the order of their files, with the fields that programs rely on."""
    assert [row["policy"] for row in told] == ["alike", "later"]
    for row in told:
        assert list(row) == [
            "policy", "live", "verdict", "hours", "j", "j_live", "j_change", "share", "served_h", "minutes_80",
            "minutes_95", "flips", "among", "set", "sentence",
        ]  # fmt: skip
        assert row["hours"] == pytest.approx(24.4, abs=0.1)


def test_a_policy_that_is_clearly_better_is_told_with_what_to_change(told: list[dict[str, Any]]) -> None:
    """The whole interval lies below nothing, and the thresholds that made it are named."""
    _, later = told
    assert later["verdict"] == "better"
    assert later["share"]["lower"] < later["share"]["value"] < 0.0
    assert later["share"]["upper"] < 0.0
    assert later["served_h"]["voice"] > 1.0
    assert later["among"] == 2
    assert " 90 % interval for all 2 at once), " in later["sentence"]
    assert later["set"] == {"thresholds.disable": "80", "thresholds.enable": "65"}
    assert later["sentence"].startswith("later: would have been better than default: J ")
    assert later["sentence"].endswith("; to get it, set thresholds.disable: 80 and thresholds.enable: 65.")


def test_two_that_do_the_same_are_not_told_apart(told: list[dict[str, Any]]) -> None:
    """They differ in a field that changes nothing here: the interval is nothing to nothing."""
    alike, _ = told
    assert (alike["verdict"], alike["j_change"]) == ("no-difference", {"value": 0.0, "lower": 0.0, "upper": 0.0})
    assert "no difference to default that can be told from chance" in alike["sentence"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two hours and a half."""
    return write_state(tmp_path_factory.mktemp("short") / "state", load, ticks=300, held=HELD)


def asked(short: Path, home: Path, *words: object) -> Answer:
    """Compare on the short history."""
    answer = typed("compare", "--state", short, *words, home=home)
    assert answer.code == 0, answer
    return answer


def test_a_short_history_says_so(short: Path, home: Path) -> None:
    """In a sentence for each policy, with what was seen so far; the same seed gives the same bytes."""
    costs = write_policy(home / "costs.yaml", "costs", **COSTS)
    answer = asked(short, home, "--policy", costs)
    assert answer.err == ""
    (line,) = answer.out.splitlines()
    assert line.startswith("costs: 2 h of history are too short to tell, 24 h are needed; so far J ")
    assert asked(short, home, "--policy", costs).out == answer.out


def test_without_another_policy_the_other_strategies_stand_in(short: Path, home: Path) -> None:
    """Who has declared none learns what could be had by two fields."""
    answer = asked(short, home)
    assert answer.err == (
        "note: no other policy is declared, so this one is compared with the strategies of expected-cost\n"
    )
    assert answer.out.startswith("expected-cost: ")
    folder = home / "mine"
    folder.mkdir()
    write_policy(folder / "live.yaml", "default", **COSTS)
    assert asked(short, home, folder).out.startswith("thresholds: ")


def test_a_policy_that_says_the_same_is_told_as_that(short: Path, home: Path) -> None:
    """A copy of the live one under another name needs no statistics."""
    copy = write_policy(home / "copy.yaml", "copy", mode="DryRun")
    assert asked(short, home, "--policy", copy).out == "copy: says the same as default in all that a replay looks at.\n"


def test_the_controllers_own_folder_is_read_where_none_is_named(home: Path) -> None:
    """The state folder remembers it. What is wrong in it is told, and what is right is compared."""
    state = write_state(home / "state", load, ticks=300, held=HELD)
    folder = home / "mine"
    folder.mkdir()
    record(state, str(folder), (1, 2))
    write_policy(folder / "a.yaml", "calmer", stabilization={"enable": "15m"})
    write_policy(folder / "b.yaml", "wrong", colour="red")
    answer = asked(state, home)
    assert answer.err == f'note: {folder}/b.yaml:6: unknown field "spec.colour"\n'
    (line,) = answer.out.splitlines()
    assert line.startswith("calmer: ")
    (folder / "a.yaml").unlink()
    folder.rename(home / "gone")
    assert asked(state, home).out.startswith("expected-cost: ")


def test_mistakes_are_told_at_once(short: Path, home: Path) -> None:
    """The live policy's own name, a name that the folder has, and a field that does not exist."""
    folder = home / "mine"
    folder.mkdir()
    write_policy(folder / "a.yaml", "other")
    live, again = write_policy(home / "live.yaml", "default"), write_policy(home / "again.yaml", "other")
    wrong = write_policy(home / "wrong.yaml", "wrong", colour="red")
    files = [word for file in (live, again, wrong) for word in ("--policy", file)]
    answer = typed("compare", folder, *files, "--state", short, home=home)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        f'brownout: {wrong}:6: unknown field "spec.colour"',
        "brownout: a policy named other stands in the folder already",
        "brownout: metadata.name: default is the live policy: give the other one another name",
    ]


def test_where_nothing_was_recorded_it_says_what_to_do(home: Path) -> None:
    """No history, and no folder of that name."""
    said = typed("compare", "--state", home, home=home).refusal
    assert "there is no history at" in said
    assert "it begins with the first `brownout run` of this state folder" in said
    assert "cannot be read" in typed("compare", home / "none", "--state", home, home=home).err
    assert '"xml" is not an output' in typed("compare", "-o", "xml", home=home).misuse
