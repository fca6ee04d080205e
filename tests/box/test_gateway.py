"""The gateway of a controller that runs: probes, views, a port that is taken, a state folder that fails, a pause."""

from __future__ import annotations

import http.client
import json
import resource
import signal
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from tests.box.stage import Controller, Stage
from tests.builders import policy_document
from tests.eventually import consistently, eventually

ANY_PORT = ("--listen", "127.0.0.1:0")


def asked(url: str, path: str, **headers: str) -> tuple[int, str]:
    """GET a path: the status and the body."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def a_box(stage: Stage, **spec: Any) -> tuple[Controller, str]:
    """A controller with a gateway and one integration that is on."""
    stage.policy(**spec)
    stage.integrate("voice")
    controller = stage.run(*ANY_PORT)
    url = controller.url()
    stage.until(voice="Enabled")
    return controller, url


def test_it_shows_what_the_controller_knows(stage: Stage) -> None:
    """Probes, metrics, every view; the command line gets the same from it as from the state folder."""
    _, url = a_box(stage)
    assert asked(url, "/livez") == (200, "ok\n")
    assert eventually(lambda: asked(url, "/readyz") == (200, "ok\n"))
    assert 'brownout_integration_state{integration="voice",state="Enabled"} 1.0' in asked(url, "/metrics")[1]
    for path in ("integrations", "integrations/voice", "policy", "samples", "forecast", "decisions"):
        status, body = asked(url, f"/v1/{path}")
        assert status == 200, body
        assert json.loads(body)
    assert 0.0 < json.loads(asked(url, "/v1/forecast")[1])["disk"]["percent"] <= 110.0
    assert stage.ask("get", "integrations", "-o", "name", "--server", url).stdout == "integration.brownout.dev/voice\n"
    assert "voice is Enabled" in stage.ask("explain", "voice", "--server", url).stdout
    assert "its owner wants it on" in stage.ask("history", "--server", url).stdout


def test_a_page_that_rebinds_its_name_gets_nothing(stage: Stage) -> None:
    """Every route checks Host."""
    _, url = a_box(stage)
    for path in ("/livez", "/metrics", "/v1/integrations"):
        status, body = asked(url, path, Host="evil.example")
        assert status == 421, body


def test_a_port_that_is_taken_is_one_clear_error(stage: Stage, tmp_path_factory: Any) -> None:
    """It says which and what to do, ends with 1, and has started nothing."""
    _, url = a_box(stage)
    other = Stage(tmp_path_factory.mktemp("other") / "box")
    other.integrate("voice")
    address = url.removeprefix("http://")
    late = other.run("--listen", address)
    assert late.exit_code() == 1
    (said,) = late.events("cannot go on")
    assert said["error"].startswith(f"{address} is taken: try --listen 127.0.0.1:")
    assert other.end() == ()
    assert other.status("voice") == {}


def test_a_full_disk_stops_no_decision_and_is_told(stage: Stage) -> None:
    """While nothing can be written the owner's wish is carried out all the same; /readyz says why, until it can be."""
    controller, url = a_box(stage)
    eventually(lambda: asked(url, "/readyz")[0] == 200)
    _, hard = resource.prlimit(controller.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(controller.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    stage.integrate("voice", enabled=False)
    eventually(lambda: not stage.processes("voice"), within_s=30)
    said = eventually(lambda: unready(url, f"the state folder {stage.state} cannot be written"), within_s=30)
    assert "history" in said
    stage.integrate("voice")
    eventually(lambda: stage.processes("voice"), within_s=30)
    assert asked(url, "/livez")[0] == 200
    resource.prlimit(controller.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lambda: asked(url, "/readyz")[0] == 200, within_s=60)
    eventually(lambda: len(stage.asked("history", "voice")["decisions"]) == 3)


def unready(url: str, why: str) -> str:
    """What /readyz says while it says this."""
    status, said = asked(url, "/readyz")
    assert status == 503
    assert why in said
    return said


def test_a_pause_is_not_caught_up_with(stage: Stage) -> None:
    """A controller that was stopped for some intervals makes one tick, counts those it missed, and goes on."""
    controller, url = a_box(stage, interval="200ms")
    eventually(lambda: asked(url, "/readyz")[0] == 200)
    missed = metric(url, "brownout_ticks_missed_total")
    controller.signal(signal.SIGSTOP)
    eventually(lambda: stopped(controller))
    consistently(lambda: stopped(controller), for_s=2.0)
    controller.signal(signal.SIGCONT)
    eventually(lambda: metric(url, "brownout_ticks_missed_total") >= missed + 8)
    eventually(lambda: max(gaps_s(url)) >= 1.8)
    assert min(gaps_s(url)) >= 0.02, "ticks were queued and came in a burst"


def gaps_s(url: str) -> list[float]:
    """Times between samples."""
    samples = json.loads(asked(url, "/v1/samples")[1])["samples"]
    instants = [sample["timestampSeconds"] for sample in samples]
    return [after - before for before, after in pairwise(instants)]


def stopped(controller: Controller) -> bool:
    """Whether the kernel has stopped it."""
    with open(f"/proc/{controller.process.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] == "T"


def metric(url: str, name: str) -> float:
    """The value of a metric without labels."""
    lines = asked(url, "/metrics")[1].splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def test_shadows_are_asked_for_while_they_run(stage: Stage) -> None:
    """A policy with another name is one as soon as its file lies there; without any the answer says what to do."""
    _, url = a_box(stage)
    refused = stage.ask("compare", "--running", url)
    assert refused.returncode == 1
    assert "there is no policy in shadow" in refused.stderr
    early = policy_document("early", thresholds={"disable": 60, "enable": 50, "emergency": 95})
    stage.write("early.yaml", json.dumps(early))
    eventually(lambda: asked(url, "/v1/shadows")[0] == 200)
    told = stage.ask("compare", "--running", url)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("nothing to compare yet: ")
    assert stage.status("voice")["state"] == "Enabled"


def test_a_secret_of_a_plugin_shows_nowhere(stage: Stage) -> None:
    """Its manifest calls `pin` secret: no path of REST, no command that asks there, no metric and no line tells it."""
    canary, folder = "hunter2hunter2", stage.directory / "plugins" / "voice"
    folder.mkdir(parents=True)
    settings = "config:\n  pin: {type: string, secret: true}\n  channel: {type: string}\n"
    (folder / "plugin.yaml").write_text(f"name: voice\nversion: 1.0.0\nentry: voice.py\nload: Eager\n{settings}")
    fails = "def initialize(config): raise ValueError(config['pin'])\n"
    (folder / "voice.py").write_text(fails + "health_check = handle_request = shutdown = initialize\n")
    stage.policy()
    config = {"pin": canary, "channel": "news"}
    stage.integrate("voice", workload={"plugin": {"name": "voice", "config": config}})
    controller = stage.run(*ANY_PORT)
    url = controller.url()
    paths = (
        "livez",
        "readyz",
        "metrics",
        *(f"v1/{name}" for name in ("integrations", "integrations/voice", "decisions")),
    )

    def failed() -> bool:
        return "ValueError: ***" in asked(url, "/v1/integrations/voice")[1]

    assert eventually(failed, within_s=20.0)
    shown = [asked(url, f"/{path}")[1] for path in paths]
    shown += [stage.ask("get", "integrations", "-o", "yaml", "--server", url).stdout, controller.log]
    assert [text for text in shown if canary in text] == []
    assert '"channel": "news"' in asked(url, "/v1/integrations/voice")[1].replace('":"', '": "')
    assert canary not in json.dumps(stage.status("voice"))
