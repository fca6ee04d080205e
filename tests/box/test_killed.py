"""The controller is killed at any moment and started again: no twin, no orphan, nothing off for ever."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

import pytest

from brownout.core.errors import HistoryUnavailable
from brownout.engine.ports import DecisionRecord
from brownout.history.reader import HistoryReader
from tests.box.stage import Stage
from tests.eventually import consistently, eventually

NAMES = ("voice", "android", "stubs")
ALL_ON = dict.fromkeys(NAMES, "Enabled")
#: MiB in use at enable, disable and emergency: with these nothing goes, with those voice has to. With all on 197 MiB
#: were in use, and fewer where another room paid for the pages of the interpreter's files.
CALM, PRESSED = (500, 600, 780), (100, 165, 780)

Moment = Callable[[Stage], object]


def recorded(action: str) -> Moment:
    """The intent to do something with voice has become durable."""

    def look(stage: Stage) -> bool:
        return any(row.action == action for row in rows(stage))

    return look


def rows(stage: Stage) -> tuple[DecisionRecord, ...]:
    """The audit log of voice, newest first; empty while there is none."""
    try:
        return HistoryReader(stage.state / "history.db").decisions(key="voice")
    except HistoryUnavailable:
        return ()


STARTING: tuple[Moment, ...] = (
    lambda stage: (stage.state / "lock").exists(),
    lambda stage: (stage.state / "history.db").exists(),
    lambda stage: stage.processes(),
    lambda stage: stage.processes("voice"),
    lambda stage: stage.status("voice"),
)
SHEDDING: tuple[Moment, ...] = (
    recorded("Disable"),
    lambda stage: stage.status("voice").get("hold"),
    lambda stage: not stage.processes("voice"),
    lambda stage: stage.states("voice") == {"voice": "Disabled"},
)
RESTORING: tuple[Moment, ...] = (
    recorded("Enable"),
    lambda stage: stage.processes("voice"),
    lambda stage: stage.states("voice") == {"voice": "Enabled"},
)


def test_killed_at_any_moment_it_goes_on_where_it_was(roomy: Stage) -> None:
    """At twelve moments of starting, shedding and restoring: one program each, and in the end all as it should be."""
    stage = roomy
    stage.policy(edges_mib=CALM)
    stage.integrate("voice", "hold", 120, priority=10, memory="130Mi")
    stage.integrate("android", "hold", 20, priority=20, memory="30Mi")
    stage.integrate("stubs", priority=100, essential=True, memory="12Mi")
    killed(stage, STARTING)
    stage.until(**ALL_ON)
    stage.policy(edges_mib=PRESSED)
    killed(stage, SHEDDING)
    stage.until(voice="Disabled", android="Enabled", stubs="Enabled")
    assert [row.action for row in rows(stage)].count("Disable") <= len(SHEDDING) + 1
    stage.policy(edges_mib=CALM)
    killed(stage, RESTORING)
    stage.until(**ALL_ON)
    consistently(lambda: [len(stage.processes(name)) for name in NAMES] == [1, 1, 1], for_s=1.0)


def killed(stage: Stage, moments: tuple[Moment, ...]) -> None:
    """Run a controller, kill it at each of these moments, and look at what it leaves; the last one goes on."""
    controller = stage.controllers[-1] if stage.controllers else stage.run()
    for moment in moments:
        eventually(partial(moment, stage), within_s=60, every_s=0.005)
        controller.kill()
        assert max((len(stage.processes(name)) for name in NAMES), default=0) <= 1
        if stage.status("voice").get("hold", {}).get("byController"):
            assert recorded("Disable")(stage), "voice is held down, and nothing says why"
        controller = stage.run()
    controller.works()


def test_what_is_no_longer_declared_after_a_kill_is_ended(stage: Stage) -> None:
    """A file that was deleted while no controller ran takes its program along at the next start."""
    stage.policy()
    voice = stage.integrate("voice")
    stage.integrate("stubs")
    first = stage.run()
    stage.until(voice="Enabled", stubs="Enabled")
    first.kill()
    survivor = stage.pid("stubs")
    voice.unlink()
    stage.run()
    eventually(lambda: not stage.processes("voice"), within_s=30)
    assert stage.pid("stubs") == survivor
    eventually(lambda: not stage.status("voice"))


def test_a_second_controller_on_one_state_is_refused(stage: Stage) -> None:
    """It names the other one and what to do, ends with 1, and has touched nothing."""
    stage.policy()
    stage.integrate("voice")
    first = stage.run()
    stage.until(voice="Enabled")
    pid = stage.pid("voice")
    second = stage.run()
    assert second.exit_code() == 1
    (said,) = second.events("cannot go on")
    assert said["error"] == (
        f"another controller (process {first.process.pid}) uses the state folder {stage.state}: "
        "stop it, or give this one a folder of its own with --state"
    )
    assert stage.pid("voice") == pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_that_was_started(stage: Stage, number: signal.Signals) -> None:
    """Also what is deaf to SIGTERM, has forked, or hides in a session of its own; Ctrl-C is told from a clean end."""
    stage.policy()
    stage.integrate("deaf", "ignore", stop={"grace": "500ms"})
    stage.integrate("hidden", "child", "hide", stop={"grace": "500ms"})
    controller = stage.run()
    stage.until(deaf="Enabled", hidden="Enabled")
    eventually(lambda: len(stage.processes("hidden")) == 3)
    controller.signal(number)
    assert controller.exit_code() == (130 if number is signal.SIGINT else 0)
    assert stage.processes() == ()


def test_stopped_and_started_again_what_was_off_stays_off(roomy: Stage) -> None:
    """After a clean end nothing is said to run; the next controller knows who was held off since when, and waits."""
    stage = roomy
    patient = {"enable": "10m", "settle": "2s"}
    stage.policy(edges_mib=CALM, stabilization=patient)
    stage.integrate("voice", "hold", 120, priority=10, memory="130Mi")
    stage.integrate("stubs", priority=100, essential=True, memory="12Mi")
    controller = stage.run()
    stage.until(voice="Enabled", stubs="Enabled")
    stage.policy(edges_mib=(90, 150, 780), stabilization=patient)
    stage.until(voice="Disabled", stubs="Enabled")
    eventually(lambda: stage.status("voice").get("hold", {}).get("since") and not stage.processes("voice"))
    controller.signal(signal.SIGTERM)
    assert controller.exit_code() == 0
    held, ended = stage.status("voice"), stage.status("stubs")
    assert (held["state"], ended["state"]) == ("Disabled", "Pending")
    assert ended["message"] == "the controller has ended, and its programs with it"
    assert ended.keys().isdisjoint({"memory", "health", "circuit"})
    told = stage.ask("get", "integrations").stdout + stage.ask("explain", "stubs").stdout
    assert not [word for word in ("Enabled", "Healthy", " now") if word in told]
    stage.policy(edges_mib=CALM, stabilization=patient)
    stage.run().works()
    stage.until(stubs="Enabled")
    consistently(lambda: stage.states("voice") == {"voice": "Disabled"} and not stage.processes("voice"), for_s=3.0)
    again = stage.status("voice")
    assert (again["hold"], again["message"], again["since"]) == (held["hold"], held["message"], held["since"])


def test_a_second_signal_ends_at_once(stage: Stage) -> None:
    """Whoever asks twice does not wait for a grace of ten minutes, and still nothing is left."""
    stage.policy()
    stage.integrate("deaf", "ignore", "say", stage.file("deaf"), stop={"grace": "10m"})
    controller = stage.run()
    stage.until(deaf="Enabled")
    eventually(stage.file("deaf").exists)
    controller.signal(signal.SIGTERM)
    eventually(lambda: controller.events("ending"))
    controller.signal(signal.SIGTERM)
    assert controller.exit_code() == 0
    assert stage.processes() == ()


def test_a_signal_in_the_first_moment_is_not_lost_and_makes_no_traceback(stage: Stage) -> None:
    """Ctrl-C before the controller listens ends it as soon as it does."""
    stage.policy()
    controller = stage.run()
    eventually(lambda: b"brownout.bootstrap" in controller.command_line(), every_s=0.002)
    controller.signal(signal.SIGINT)
    assert controller.exit_code() == 130
    assert "Traceback" not in controller.log
