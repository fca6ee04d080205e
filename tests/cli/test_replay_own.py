"""`brownout replay` with one's own integrations: how large the box is taken for, and levels that plugins have."""

from __future__ import annotations

import json
import re
from pathlib import Path

from brownout.disk.documents import dump_yaml
from brownout.simulate.generated import Family, generated
from tests.builders import integration_document
from tests.cli.loads import write_integrations, write_policy, write_state, write_trace
from tests.cli.typed import rows_of, typed
from tests.pluginhost.folders import Plugins


def test_how_large_the_box_is_taken_for_is_told_where_nobody_says_it(home: Path) -> None:
    """Sizes in bytes are shares of a box: of 12 GiB on every machine, or of the budget; what is assumed is said."""
    trace, folder = write_trace(home / "day.csv"), write_integrations(home / "mine")
    ask = ("replay", trace, "--mode", "native", "-o", "json", "--integrations", folder)
    assumed = typed(*ask, home=home)
    assert assumed.err == (
        "note: a box of 12 GiB is assumed: "
        "spec.memoryBudget of a policy named default, beside the integrations, would say another\n"
    )
    write_policy(folder / "policy.yaml", "default", memoryBudget="12Gi")
    assert rows_of(typed(*ask, home=home)) == json.loads(assumed.out)["rows"]
    write_policy(folder / "policy.yaml", "default", memoryBudget="24Gi")
    assert rows_of(typed(*ask, home=home)) != json.loads(assumed.out)["rows"]


LADDER = "levels: [{name: full, memory: 3Gi}, {name: small, memory: 1Gi, value: 0.5}]\n"


def test_levels_that_are_left_to_a_plugin_are_its_own(home: Path) -> None:
    """As for the controller: beside the files or where --plugins says, as if the owner had written them."""
    ask = ("replay", write_trace(home / "day.csv"), "--mode", "native", "-o", "json", "--integrations")
    written, left = home / "written", home / "left"
    levels = [{"name": "full", "memory": "3Gi"}, {"name": "small", "memory": "1Gi", "value": 0.5}]
    for folder, spec in ((written, {"levels": levels}), (left, {})):
        write_policy(write_integrations(folder) / "policy.yaml", "default", memoryBudget="12Gi")
        greeter = integration_document("greeter", workload={"plugin": {"name": "greeter"}}, **spec)
        (folder / "greeter.yaml").write_text(dump_yaml(greeter))
    expected = rows_of(typed(*ask, written, home=home))
    Plugins(home / "elsewhere").put("greeter", more=LADDER)
    assert rows_of(typed(*ask, left, "--plugins", home / "elsewhere", home=home)) == expected
    Plugins(left / "plugins").put("greeter", more=LADDER)
    assert rows_of(typed(*ask, left, home=home)) == expected
    none = typed(*ask, left, "--plugins", home / "none", home=home).refusal
    assert none == f"{home}/none is not a folder: name the folder that holds the plugins' folders"


def test_a_plugin_whose_levels_are_asked_for_and_that_is_not_there_is_told(home: Path) -> None:
    """With file, line and what there is; one that is off, or whose owner says its levels, is not looked for."""
    folder = write_integrations(home / "mine")
    write_policy(folder / "policy.yaml", "default", memoryBudget="12Gi")
    for name, spec in (("greeter", {}), ("idle", {"enabled": False}), ("own", {"levels": [], "memory": "1Gi"})):
        document = integration_document(name, workload={"plugin": {"name": name}}, **spec)
        (folder / f"{name}.yaml").write_text(dump_yaml(document))
    said = typed("replay", write_trace(home / "day.csv"), "--integrations", folder, home=home).refusal
    assert re.fullmatch(
        rf'{folder}/greeter.yaml:\d+: spec.workload.plugin.name: Invalid value: "greeter": '
        r"there is no such plugin; found are: none",
        said,
    ), said


def test_a_history_remembers_the_levels_of_its_plugins(home: Path) -> None:
    """The status says what the ladder was, wherever the plugin lies: without it, lowering would be switching off."""
    state = write_state(
        home / "state", lambda at: 50.0 + 5.0 * (at % 40 < 6), ticks=300, held={"voice": 25.0, "stubs": 1.0}
    )
    ask = ("replay", "--history", "--state", state, "-o", "json")
    bare = integration_document("voice", priority=10, workload={"plugin": {"name": "voice"}})
    levels = [{"name": "full", "memory": "2Gi"}, {"name": "small", "memory": "512Mi"}]
    spoken = {**bare, "status": {"levels": [{"name": level["name"], "memory": level["memory"]} for level in levels]}}
    written = integration_document("voice", priority=10, workload={"plugin": {"name": "voice"}}, levels=levels)
    found = []
    for document in (bare, spoken, written):
        (state / "status" / "voice.yaml").write_text(dump_yaml(document))
        found.append(rows_of(typed(*ask, home=home)))
    assert found[0] != found[1] == found[2]


def test_whoever_has_no_trace_replays_a_generated_load(home: Path) -> None:
    """It is what a file with the base load of that seed gives as it is."""
    made = rows_of(typed("replay", "--generate", "bursts", "-o", "json", "--seed", 2, home=home))
    trace = write_trace(home / "bursts-2.csv", *generated(Family.BURSTS, seed=2).values)
    read = rows_of(typed("replay", trace, "--as-is", "--mode", "native", "-o", "json", "--seed", 2, home=home))
    assert [row["trace"] for row in made] == ["bursts-2", "bursts-2"]
    for row, other in zip(made, read, strict=True):
        assert {**row, "j": 0} == {**other, "j": 0}
        assert abs(row["j"] - other["j"]) <= 0.01 * other["j"]
