"""A budget on a real box: a program tells what it uses, is lowered near its limit and ended gracefully beyond it."""

from __future__ import annotations

import json
import stat
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.box.stage import PATIENCE_S, Controller, Stage
from tests.checkout import ROOT
from tests.eventually import consistently, eventually

SPENDING = ROOT / "tests" / "programs" / "spending.py"
CALLER = """
def initialize(config, context):
    for _ in range(3):
        context.record_usage(tokens=10, api_call=True)

def health_check(): pass
def handle_request(request): return request.body
def shutdown(): pass
"""
ANY_PORT = ("--listen", "127.0.0.1:0")


def a_spender(stage: Stage, results: Path, *, tokens: int) -> None:
    """An integration of two levels that may use 1000 tokens a week, and uses so many at its best one at once."""
    command = {
        "argv": [sys.executable, str(SPENDING), str(tokens), str(results)],
        "env": {"PYTHONPATH": str(ROOT / "operator")},
    }
    stage.integrate(
        "voice",
        workload={"command": command},
        levels=[{"name": "full"}, {"name": "reduced"}],
        budget={"tokens": 1000, "per": "week"},
    )


def asked(stage: Stage, url: str, path: str, body: Any = None) -> str:
    """What the gateway answers to a client that knows the token."""
    token = (stage.state / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request("GET" if body is None else "POST", path, data, headers)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def reason(stage: Stage) -> Any:
    """Why voice is as it is."""
    return stage.status("voice").get("reason")


def test_a_program_that_spends_is_lowered_and_then_stopped_with_its_results(stage: Stage) -> None:
    """By the library at 85 %, by REST beyond 100 %; after a restart it stays off; what it had done is on disk."""
    results = stage.file("results")
    stage.policy()
    a_spender(stage, results, tokens=850)
    controller = stage.run(*ANY_PORT)
    url = controller.url()
    stage.until(voice="Lowered")
    assert reason(stage) == "BudgetApproaching"
    assert "used 850 of 1,000 tokens this week (85.0 %)" in stage.status("voice")["message"]
    eventually(results.exists)
    assert results.read_text() == "full Approaching 850\n"
    document = json.loads(asked(stage, url, "/v1/budgets/voice/usage?progress=0.5", {"tokens": 150}))
    assert (document["state"], document["advice"]["what"]) == ("Exceeded", "StopExceeded")
    stage.until(voice="Disabled")
    assert results.read_text().splitlines()[1:] == ["reduced Exceeded 1000"]
    assert stat.S_IMODE((stage.state / "token").stat().st_mode) == 0o600
    explained = stage.ask("explain", "voice").stdout
    assert "used 1,000 of 1,000 tokens this week (100.0 %): disabled voice" in explained
    assert "It returns when: it is Monday 00:00 UTC, or spec.budget.tokens is raised" in explained
    assert 'brownout_budget_used{measure="tokens",run="voice"} 1000.0' in asked(stage, url, "/metrics")
    restarted(stage, controller)
    raised(stage)


def test_what_a_plugin_uses_counts(stage: Stage) -> None:
    """It tells the host, the host the controller: over its calls it is off, and the word is its owner's."""
    plugin = stage.directory / "plugins" / "caller"
    plugin.mkdir(parents=True)
    (plugin / "plugin.yaml").write_text("name: caller\nversion: 1.0.0\nentry: caller.py\nload: Eager\n")
    (plugin / "caller.py").write_text(CALLER)
    stage.policy()
    stage.integrate("caller", workload={"plugin": {"name": "caller"}}, budget={"apiCalls": 2, "per": "week"})
    stage.run()
    stage.until(caller="Disabled")
    assert stage.status("caller")["reason"] == "BudgetExceeded"
    assert "used 3 of 2 API calls this week" in stage.status("caller")["message"]


def restarted(stage: Stage, controller: Controller) -> None:
    """Another controller knows what was used, and starts nothing."""
    controller.end()
    stage.run().works()
    consistently(lambda: stage.processes("voice") == (), for_s=3.0)
    assert reason(stage) == "BudgetExceeded"


def raised(stage: Stage) -> None:
    """A limit that is raised brings it back: by the ordinary way, with what was used."""
    path = stage.directory / "voice.yaml"
    path.write_text(path.read_text().replace("tokens: 1000", "tokens: 100000"))
    eventually(lambda: stage.processes("voice"), within_s=PATIENCE_S)
