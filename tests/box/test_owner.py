"""What an owner does while the controller runs: switch off and on, change, rehearse, make mistakes."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from tests.box.stage import Stage
from tests.builders import integration_document
from tests.eventually import consistently, eventually


def test_the_owners_wish_is_carried_out(stage: Stage) -> None:
    """`enabled: false` ends it and true starts it; another argv is another process; a deleted file ends it."""
    stage.policy()
    stage.integrate("voice")
    stage.integrate("stubs")
    stage.run()
    stage.until(voice="Enabled", stubs="Enabled")
    undisturbed = stage.pid("stubs")
    stage.integrate("voice", enabled=False)
    stage.until(voice="Disabled")
    assert stage.processes("voice") == ()
    assert stage.status("voice")["reason"] == "DisabledByOwner"
    stage.integrate("voice")
    stage.until(voice="Enabled")
    first = stage.pid("voice")
    file = stage.integrate("voice", "print", "another")
    eventually(lambda: stage.pid("voice") != first, within_s=30)
    file.unlink()
    eventually(lambda: not stage.processes("voice"), within_s=30)
    eventually(lambda: not stage.status("voice"))
    assert stage.pid("stubs") == undisturbed


def test_a_rehearsal_touches_nothing(stage: Stage) -> None:
    """`--dry-run` decides, records and shows what it would do, and starts no program."""
    stage.policy()
    stage.integrate("voice")
    controller = stage.run("--dry-run")
    eventually(lambda: stage.status("voice").get("reason") == "DryRun", within_s=30)
    assert stage.status("voice")["message"].startswith("dry run, nothing was done: ")
    consistently(lambda: not stage.processes(), for_s=1.5)
    (row,) = stage.asked("history", "voice")["decisions"]
    assert (row["action"], row["dryRun"], row["outcome"]) == ("Start", True, "Recorded")
    controller.end()


def test_a_rehearsal_ends_nothing_that_a_killed_controller_left(stage: Stage) -> None:
    """Not at its start, not while it looks on, and not at its end: the next one that is meant takes it over."""
    stage.policy()
    stage.integrate("voice")
    killed = stage.run()
    stage.until(voice="Enabled")
    pid = stage.pid("voice")
    killed.kill()
    rehearsal = stage.run("--dry-run")
    eventually(lambda: rehearsal.events("starting"), within_s=30)
    consistently(lambda: stage.pid("voice") == pid, for_s=1.5)
    rehearsal.end()
    assert stage.pid("voice") == pid
    successor = stage.run()
    successor.works()
    successor.end()
    assert stage.processes() == ()


def test_a_policy_that_rehearses_leaves_on_what_is_on(stage: Stage) -> None:
    """`mode: DryRun` ends nothing that runs, also above every threshold, until the owner says Enforce again."""
    stage.policy()
    stage.integrate("voice")
    stage.run()
    stage.until(voice="Enabled")
    pressed = {"enable": 0.01, "disable": 0.02, "emergency": 0.03}
    stage.policy(mode="DryRun", thresholds=pressed)
    eventually(lambda: stage.status("voice")["reason"] == "DryRun", within_s=30)
    pid = stage.pid("voice")
    consistently(lambda: stage.pid("voice") == pid, for_s=1.5)
    stage.policy(thresholds=pressed)
    stage.until(voice="Disabled")


def test_a_broken_file_keeps_its_last_good_version_and_is_reported(stage: Stage) -> None:
    """Garbage, an unknown field, a wrong unit, a name taken twice: nothing is switched, each is told with its line."""
    stage.policy()
    stage.integrate("voice")
    stage.integrate("stubs")
    controller = stage.run()
    stage.until(voice="Enabled", stubs="Enabled")
    pids = stage.pid("voice"), stage.pid("stubs")
    for text, said in mistakes():
        stage.write("voice.yaml", text)
        refused(stage, f"voice.yaml:{said}")
        eventually(partial(explains, stage, f"voice.yaml:{said}"), within_s=20)
    stage.integrate("voice")
    stage.write("zz.yaml", yaml.safe_dump(integration_document("stubs")))
    refused(stage, 'zz.yaml:4: metadata.name: Duplicate value: "stubs"')
    stage.write("zz.yaml", "# nothing yet\n")
    eventually(lambda: accepted(stage)["status"] == "True", within_s=20)
    assert (stage.pid("voice"), stage.pid("stubs")) == pids
    told = [fields["problems"] for fields in controller.events("refused; the last good version stays")]
    assert any('unknown field "spec.priorty": did you mean "priority"?' in one for one in told)
    assert controller.events("no file or object is refused any more")


def test_a_machine_may_be_given_its_name(stage: Stage) -> None:
    """What is meant for the node that `--node` names runs here, and what is meant for another does not."""
    stage.policy()
    stage.integrate("voice", node="attic")
    stage.integrate("discord", node="cellar")
    stage.run("--node", "attic")
    stage.until(voice="Enabled")
    assert stage.processes("discord") == ()


def test_a_file_that_is_broken_when_it_starts_switches_nothing_off(stage: Stage) -> None:
    """What stood in it when it was last in order starts again, as after a reboot."""
    stage.policy()
    stage.integrate("voice")
    first = stage.run()
    stage.until(voice="Enabled")
    first.end()
    assert stage.processes() == ()
    stage.write("voice.yaml", "spec: {")
    stage.run()
    eventually(lambda: stage.pid("voice"), within_s=20)
    stage.until(voice="Enabled")
    refused(stage, "voice.yaml:2: cannot be read")


def mistakes() -> tuple[tuple[str, str], ...]:
    """Texts of a file, and what is said of them."""
    document = integration_document("voice")
    return (
        ("spec: {", "2: cannot be read: while parsing a flow node"),
        (yaml.safe_dump({**document, "spec": {**document["spec"], "priorty": 1}}), '6: unknown field "spec.priorty"'),
        (yaml.safe_dump({**document, "spec": {**document["spec"], "memory": "4 gigs"}}), "6: spec.memory: Invalid"),
    )


def refused(stage: Stage, said: str) -> None:
    """The policy's condition says it; and so does `get policy`, to whoever asks."""
    eventually(lambda: says(accepted(stage), said), within_s=20)
    policy = yaml.safe_load(stage.ask("get", "policy", "-o", "yaml").stdout)
    assert any(said in condition["message"] for condition in policy["status"]["conditions"])


def explains(stage: Stage, said: str) -> bool:
    """Whether who asks about voice is told so: it runs on, and not as its file says."""
    return f"Not accepted, so its last good version stands: {said}" in stage.ask("explain", "voice").stdout


def accepted(stage: Stage) -> dict[str, Any]:
    """The condition Accepted of the policy."""
    return next(it for it in stage.policy_status()["conditions"] if it["type"] == "Accepted")


def says(condition: dict[str, Any], said: str) -> bool:
    """Whether the condition is false for this."""
    assert condition["status"] == "False", condition
    assert said in condition["message"], condition
    return True


def test_a_program_that_cannot_run_is_said_to_fail_and_harms_nobody(stage: Stage) -> None:
    """One that does not exist, one that exits at once: both are told with why and when again; the others run."""
    stage.policy()
    stage.integrate("ghost", workload={"command": {"argv": ["no-such-program"]}})
    stage.integrate("mayfly", "exit", 3)
    stage.integrate("stubs")
    stage.run()
    stage.until(ghost="Failed", mayfly="Failed", stubs="Enabled")
    assert "no-such-program" in stage.status("ghost")["message"]
    eventually(lambda: "exited with 3" in stage.status("mayfly")["message"])
    assert "next try in" in stage.status("mayfly")["message"]
    said = stage.ask("explain", "ghost").stdout
    assert said.startswith("ghost is Failed")
    stage.integrate("ghost")
    stage.until(ghost="Enabled")


def test_a_directory_that_goes_away_takes_nothing_along(stage: Stage) -> None:
    """Removed or unmounted: what it declared goes on, the state says so, and when it is back all is as before."""
    stage.policy()
    stage.integrate("voice")
    controller = stage.run()
    stage.until(voice="Enabled")
    pid = stage.pid("voice")
    away = stage.directory.rename(stage.root / "away")
    eventually(lambda: [it for it in controller.events("fault") if "is gone" in it["message"]], within_s=20)
    consistently(lambda: stage.pid("voice") == pid, for_s=1.5)
    away.rename(stage.directory)
    stage.integrate("voice", enabled=False)
    stage.until(voice="Disabled")
