"""A real program that is checked by HTTP breaks and recovers, and its owner sees it."""

from __future__ import annotations

import json
import sys

from tests.box.stage import Stage
from tests.box.test_gateway import ANY_PORT, asked
from tests.checkout import ROOT
from tests.controllers import free_port
from tests.eventually import eventually

MOODY = str(ROOT / "tests" / "programs" / "moody.py")
CHECK = {"period": "200ms", "timeout": "30s", "latencyBudget": "25s"}


def told(stage: Stage) -> tuple[str, str]:
    """Health and circuit as they stand in the status."""
    status = stage.status("voice")
    return status.get("health", ""), status.get("circuit", "")


def test_it_breaks_and_recovers(stage: Stage) -> None:
    """Healthy, then unhealthy with its circuit open and the reason everywhere, half-open, and healthy again by itself.

    Its process is left alone all the while, and nothing of what the server says gets out.
    """
    port, mood = free_port(), stage.file("mood")
    mood.write_text("ok")
    argv = [sys.executable, "-I", "-S", MOODY, str(port), str(mood)]
    stage.policy()
    stage.integrate("voice", workload={"command": {"argv": argv}}, health={**CHECK, "http": {"port": port}})
    controller = stage.run(*ANY_PORT)
    eventually(lambda: told(stage) == ("Healthy", "Closed"), within_s=30)
    pid = stage.pid("voice")

    mood.write_text("bad")
    eventually(lambda: told(stage) == ("Unhealthy", "Open"), within_s=30)
    mood.write_text("wait")
    words = f"3 checks in a row failed: port {port} answers 503"
    status = stage.status("voice")
    assert (status["state"], status["reason"], status["message"]) == ("Enabled", "Unhealthy", words)
    (healthy,) = (one for one in status["conditions"] if one["type"] == "Healthy")
    assert (healthy["status"], healthy["reason"], healthy["message"]) == ("False", "Unhealthy", words)
    seen_by_its_owner(stage, controller.url())

    eventually(lambda: told(stage) == ("Unhealthy", "HalfOpen"), within_s=30)
    mood.write_text("ok")
    eventually(lambda: told(stage) == ("Healthy", "Closed"), within_s=30)
    assert stage.status("voice")["reason"] == "WithinLimits"
    assert stage.pid("voice") == pid
    assert [event["health"] for event in controller.events("health")][:2] == ["Unhealthy", "Healthy"]
    assert "swordfish" not in controller.log + (stage.state / "status" / "voice.yaml").read_text()


def seen_by_its_owner(stage: Stage, url: str) -> None:
    """In the wide table, by REST and in metrics."""
    header, row = stage.ask("get", "integrations", "-o", "wide").stdout.splitlines()
    assert row[header.index("HEALTH") :].startswith("Unhealthy")
    assert row[header.index("CIRCUIT") :].startswith("Open")
    status = json.loads(asked(url, "/v1/integrations/voice")[1])["status"]
    assert (status["health"], status["circuit"]) == ("Unhealthy", "Open")
    metrics = asked(url, "/metrics")[1]
    assert 'brownout_integration_health{health="Unhealthy",integration="voice"} 1.0' in metrics
    assert 'brownout_integration_circuit{circuit="Open",integration="voice"} 1.0' in metrics
    assert 'brownout_integration_check_errors_total{integration="voice"} ' in metrics
