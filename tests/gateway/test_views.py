"""What the paths of /v1 show, and how they refuse what they do not understand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from brownout.api.policy import PolicySpec
from brownout.api.status import PolicyStatus
from brownout.core.errors import HistoryUnavailable
from brownout.core.forecast import Forecast, Model
from brownout.core.forecasting.path import Spread
from brownout.core.ledger import Ledger
from brownout.core.outlook import Outlook
from brownout.core.sample import Resource, Sample, Witness
from brownout.core.window import Window
from brownout.engine.ports import DecisionRecord
from brownout.engine.shadow_watch import ShadowReport
from brownout.simulate.ours import integrations_of
from brownout.simulate.plant import THE_FOUR
from brownout.simulate.shadows import Race
from brownout.telemetry.redact import redacted
from tests.builders import make_integration, make_policy
from tests.gateway.served import NOW, FakeReadModel, served
from tests.worlds import make_path, make_residuals, make_window

GIB = 2**30
CANARY = "cAnArY7f3e9b1d"


def sample(minutes_ago: float, percent: float | None) -> Sample:
    """A sample of an 8 GiB machine whose CPU cannot be read."""
    return Sample(
        at=NOW - 60 * minutes_ago, memory_percent=percent, memory_limit_bytes=8 * GIB, disk_percent=10.0,
        disk_free_bytes=GIB, witness=Witness.NODE, footprints={"voice": GIB},
    )  # fmt: skip


WINDOW = Window(samples=tuple(sample(minutes, 50.0 + 2 * (4 - minutes)) for minutes in (4, 3, 2, 1, 0)))

FORECAST = Forecast(
    at=NOW + 300, value=70.0, lower=68.0, upper=math.inf, model=Model.LINEAR, confidence_percent=90.0, votes=True,
    why="", slope_per_s=0.1,
)  # fmt: skip
OUTLOOK = Outlook(measured_percent=60.0, limit_bytes=8 * GIB, witness=Witness.NODE, total=FORECAST)

RECORD = DecisionRecord(
    id=7, at=NOW - 5, key="voice", action="Disable", reason="AboveThreshold", message="RAM 81 %", rule="shed",
    dry_run=False, numbers={"memoryPercent": 81.0, "lower": math.nan, "model": "linear-trend"},
    outcome="Done", outcome_at=NOW - 4,
)  # fmt: skip


def test_integrations_come_as_kubectl_gives_them() -> None:
    """A list object with whole objects: identity, spec with its units as text, status."""
    voice = make_integration(
        "voice", priority=10, memory="4Gi", status={"state": "Disabled", "reason": "AboveThreshold"}
    )
    with served(FakeReadModel(shown=(voice, make_integration("stubs", essential=True)))) as visitor:
        document = visitor.get("/v1/integrations").document
        assert (document["apiVersion"], document["kind"]) == ("brownout.dev/v1alpha1", "IntegrationList")
        assert document["items"][0] == voice.to_wire()
        assert document["items"][0]["spec"]["memory"] == "4Gi"
        assert document["items"][0]["status"]["state"] == "Disabled"
        assert [item["metadata"]["name"] for item in document["items"]] == ["voice", "stubs"]


def test_one_integration_is_the_object_itself() -> None:
    """As in the list, without the list around it."""
    voice = make_integration("voice")
    with served(FakeReadModel(shown=(voice,))) as visitor:
        assert visitor.get("/v1/integrations/voice").document == voice.to_wire()


def test_an_unknown_integration_names_those_that_exist() -> None:
    """404 with the names; with many names only some of them."""
    many = tuple(make_integration(f"job-{number:02}") for number in range(25))
    with served(FakeReadModel(shown=many)) as visitor:
        answer = visitor.get("/v1/integrations/nope")
        assert answer.status == 404
        assert answer.document["error"] == "there is no such integration"
        assert answer.document["allowed"].startswith("job-00, job-01,")
        assert answer.document["allowed"].endswith("job-19 and 5 more")


def test_a_name_in_two_namespaces_needs_its_namespace() -> None:
    """400 that says which there are; with the namespace there is one answer."""
    both = tuple(make_integration("voice", namespace=namespace) for namespace in ("home", "work"))
    with served(FakeReadModel(shown=both)) as visitor:
        refused = visitor.get("/v1/integrations/voice")
        assert (refused.status, refused.document["allowed"]) == (400, "?namespace= one of home, work")
        found = visitor.get("/v1/integrations/voice?namespace=work").document
        assert found["metadata"] == {"name": "voice", "namespace": "work", "generation": 1}


def test_secrets_of_a_spec_do_not_show() -> None:
    """Every user of the machine can ask the gateway; what an owner keeps in env or argv is not for all of them."""
    command = {"argv": ["serve", "--token", CANARY], "env": {"API_KEY": CANARY, "MODE": "large"}}
    level = {"name": "full", "config": {"password": CANARY}}
    voice = make_integration("voice", workload={"command": command}, levels=[level])
    with served(FakeReadModel(shown=(voice,)), redact=redacted) as visitor:
        for path in ("/v1/integrations", "/v1/integrations/voice"):
            answer = visitor.get(path)
            assert CANARY not in answer.text
            assert '"MODE":"large"' in answer.text


def test_the_policy_is_the_one_in_force() -> None:
    """With its defaults written out."""
    with served(FakeReadModel(ruling=make_policy(interval="5s"))) as visitor:
        document = visitor.get("/v1/policy").document
        assert document["spec"]["interval"] == "5s"
        assert document["spec"]["thresholds"] == {"disable": 80.0, "enable": 65.0, "emergency": 95.0}


def test_of_a_webhook_only_its_host_shows() -> None:
    """The path is where chats keep their secret, and every user of the machine can ask."""
    notify = {
        "webhook": {"url": f"https://chat.example/hooks/{CANARY}"},
        "command": {"argv": ["tell", "--token", CANARY]},
    }
    with served(FakeReadModel(ruling=make_policy(notify=notify)), redact=redacted) as visitor:
        answer = visitor.get("/v1/policy")
        assert CANARY not in answer.text
        assert answer.document["spec"]["notify"]["webhook"] == {"url": "https://chat.example/***"}


def test_samples_are_latest_history_and_summary() -> None:
    """One call gives all three (S3); what is not known is null and has no trend."""
    with served(FakeReadModel(samples=WINDOW)) as visitor:
        document = visitor.get("/v1/samples").document
        assert document["latest"] == document["samples"][-1]
        assert [each["memoryPercent"] for each in document["samples"]] == [50.0, 52.0, 54.0, 56.0, 58.0]
        assert document["latest"]["at"] == "2026-01-02T03:04:05Z"
        assert document["latest"]["cpuPercent"] is None
        assert document["latest"]["footprints"] == {"voice": GIB}
        assert document["summary"]["memory"] == {
            "count": 5, "average": 54.0, "minimum": 50.0, "maximum": 58.0, "slopePerMinute": 2.0, "anomalies": [],
        }  # fmt: skip
        assert set(document["summary"]) == {"memory", "disk"}


def test_samples_can_be_narrowed() -> None:
    """To one resource, and to the last so many minutes; the summary is of what is shown."""
    with served(FakeReadModel(samples=WINDOW)) as visitor:
        document = visitor.get("/v1/samples?resource=memory&since=2m").document
        assert [each["memoryPercent"] for each in document["samples"]] == [54.0, 56.0, 58.0]
        assert "diskPercent" not in document["latest"]
        assert document["summary"] == {
            "memory": {
                "count": 3, "average": 56.0, "minimum": 54.0, "maximum": 58.0, "slopePerMinute": 2.0, "anomalies": [],
            },
        }  # fmt: skip


def test_unusual_samples_stand_in_the_summary() -> None:
    """When, how much, and how many sigmas from the centre of what is shown (requirement S5)."""
    with served(FakeReadModel(samples=make_window("flat 50 x20, flat 53 x1", end=NOW))) as visitor:
        document = visitor.get("/v1/samples?resource=memory").document
    assert document["summary"]["memory"]["anomalies"] == [
        {"at": "2026-01-02T03:04:05Z", "timestampSeconds": NOW, "percent": 53.0, "sigmas": 30.0}
    ]


def test_samples_before_the_first_are_empty() -> None:
    """An empty window is an answer."""
    with served() as visitor:
        assert visitor.get("/v1/samples").document == {"latest": None, "samples": [], "summary": {}}


def test_a_forecast_says_how_far_to_trust_it() -> None:
    """Value, band, model, vote and the time left; a band without end is null, not a number."""
    with served(FakeReadModel(expected=OUTLOOK)) as visitor:
        document = visitor.get("/v1/forecast").document
        assert document["total"] == {
            "at": "2026-01-02T03:09:05Z", "timestampSeconds": NOW + 300, "percent": 70.0, "lower": 68.0, "upper": None,
            "confidence": 90.0, "model": "linear-regression", "votes": True, "why": "",
        }  # fmt: skip
        assert (document["secondsToDisable"], document["secondsToEmergency"]) == (200.0, 350.0)
        assert (document["measuredPercent"], document["base"]) == (60.0, None)
        assert (document["cpu"], document["disk"]) == (None, None)


def test_each_resource_is_forecast() -> None:
    """CPU and disk beside memory, in the same form (requirement F1)."""
    assert OUTLOOK.total is not None
    expected = replace(OUTLOOK, others={Resource.CPU: OUTLOOK.total})
    with served(FakeReadModel(expected=expected)) as visitor:
        document = visitor.get("/v1/forecast").document
        assert document["cpu"] == document["total"]
        assert document["disk"] is None


def test_what_is_about_to_be_is_told_where_it_is_known() -> None:
    """By the beat of the load; null where there is none."""
    known = Spread(steps=1, value=55.0, residuals=make_residuals(-0.5, 0.1, 0.5))
    path = replace(make_path(50.0, step_s=6.0), next=known)
    for expected, told in ((OUTLOOK, None), (replace(OUTLOOK, path=path, ours_percent=26.0), 81.1)):
        with served(FakeReadModel(expected=expected)) as visitor:
            document = visitor.get("/v1/forecast").document["next"]
            assert document == (told and {"inSeconds": 6.0, "percent": told})


def test_the_time_left_is_that_to_the_thresholds_in_force() -> None:
    """Under a tier it is the tier's thresholds that are approached."""
    ruling = make_policy(tiers=[{"name": "small", "match": {"gpu": False}, "thresholds": {"disable": 70}}])
    ruling = ruling.model_copy(update={"status": PolicyStatus(tier="small")})
    with served(FakeReadModel(expected=OUTLOOK, ruling=ruling)) as visitor:
        assert visitor.get("/v1/forecast").document["secondsToDisable"] == 100.0


def test_before_the_first_tick_there_is_no_forecast() -> None:
    """Not yet is 503, with a sentence."""
    with served() as visitor:
        answer = visitor.get("/v1/forecast")
        assert (answer.status, answer.document) == (503, {"error": "nothing has been forecast yet"})


def test_decisions_are_rows_of_the_audit_log() -> None:
    """What, why, on which numbers, and what came of it."""
    model = FakeReadModel(records=(RECORD, replace(RECORD, id=6, outcome=None, outcome_at=None)))
    with served(model) as visitor:
        first, second = visitor.get("/v1/decisions").document["decisions"]
        assert (first["id"], first["integration"], first["outcome"], first["dryRun"]) == (7, "voice", "Done", False)
        assert first["numbers"] == {"memoryPercent": 81.0, "lower": None, "model": "linear-trend"}
        assert (second["outcome"], second["outcomeAt"]) == (None, None)
    assert model.asked == [(None, 0.0, 100)]


def test_decisions_are_asked_for_as_wanted() -> None:
    """Name, time and number reach the history as they were given."""
    model = FakeReadModel(records=(RECORD,))
    with served(model) as visitor:
        assert visitor.get("/v1/decisions?integration=work/voice&since=1h&limit=5").status == 200
    assert model.asked == [("work/voice", NOW - 3600, 5)]


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("samples?resource=ram", "cpu, memory, disk"),
        ("samples?since=30", "must be a duration such as 500ms, 30s, 5m or 1h30m"),
        ("samples?since=", "must be a duration such as 500ms, 30s, 5m or 1h30m"),
        ("samples?since=-5m", "must be a duration such as 500ms, 30s, 5m or 1h30m"),
        ("samples?sinc=5m", "parameters: resource, since"),
        ("samples?since=5m&since=6m", "each parameter once"),
        ("decisions?limit=0", "a whole number from 1 to 1000"),
        ("decisions?limit=1000000000", "a whole number from 1 to 1000"),
        ("decisions?limit=99999999999999999999999999", "a whole number from 1 to 1000"),
        ("decisions?limit=%D9%A3", "a whole number from 1 to 1000"),
        ("decisions?integration=", "a name, or namespace/name"),
        ("decisions?integration=%00", "a name, or namespace/name"),
        ("decisions?since=99999999999h", "must be at most 277777h46m40s"),
        ("policy?x=1", "parameters: none"),
        ("forecast?x=1", "parameters: none"),
        ("integrations?limit=5", "parameters: none"),
    ],
)
def test_a_wrong_query_says_what_is_allowed(query: str, allowed: str) -> None:
    """400, and the sentence that would have helped; nothing is passed over."""
    with served(FakeReadModel(expected=OUTLOOK)) as visitor:
        answer = visitor.get(f"/v1/{query}")
        assert (answer.status, answer.document["allowed"]) == (400, allowed)


def test_sql_in_a_filter_is_a_name_that_nobody_bears() -> None:
    """The filter is a value, never a part of a query."""
    model = FakeReadModel()
    with served(model) as visitor:
        assert visitor.get("/v1/decisions?integration=x'%20OR%201=1%20--").document == {"decisions": []}
    assert model.asked[0][0] == "x' OR 1=1 --"


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (HistoryUnavailable("history.db is locked", advice="wait"), 503, "history.db is locked: wait"),
        (ZeroDivisionError(f"secret {CANARY}"), 500, "internal error"),
    ],
)  # fmt: skip
def test_trouble_is_an_answer(trouble: Exception, status: int, error: str) -> None:
    """What is known to go wrong is said; a bug of ours is answered without its insides."""
    with served(FakeReadModel(trouble=trouble)) as visitor:
        answer = visitor.get("/v1/decisions")
        assert (answer.status, answer.document) == (status, {"error": error})
        assert visitor.get("/livez").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nope", "/metrics/", "/v1/integrations/a/b", "//evil.example/", "/%2e%2e/x"]
)
def test_an_unknown_path_names_the_known_ones(path: str) -> None:
    """404 in JSON, with the routes."""
    with served() as visitor:
        answer = visitor.get(path)
        assert answer.status == 404
        assert "/v1/integrations/{name}" in answer.document["allowed"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed_here(method: str) -> None:
    """Only GET and HEAD are served, and the answer says so."""
    with served() as visitor:
        answer = visitor.get("/v1/integrations", method=method)
        assert (answer.status, answer.headers["allow"], answer.document["allowed"]) == (405, "GET, HEAD", "GET, HEAD")


def test_a_hostile_string_stays_inert() -> None:
    """Markup in a message is text in JSON that no browser runs: typed, not sniffed, under a policy of nothing."""
    status: dict[str, Any] = {"state": "Failed", "message": "<script>alert(1)</script> javascript:alert(1)"}
    with served(FakeReadModel(shown=(make_integration("voice", status=status),))) as visitor:
        answer = visitor.get("/v1/integrations/voice")
        assert answer.document["status"]["message"] == status["message"]
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_shadows_are_told_with_a_sentence_and_where_they_stand() -> None:
    """Each beside the live one, with what to change to get it; without any there is nothing to ask for."""
    early = PolicySpec.model_validate({"thresholds": {"disable": 60, "enable": 50, "emergency": 95}})
    policies = {"default": PolicySpec(), "early": early}
    race = Race(policies, integrations_of(THE_FOUR), THE_FOUR, ledger=Ledger(), start=NOW - 3600)
    report = ShadowReport(live="default", since=NOW - 3600, policies=policies, runs=race.runs(), why="not yet")
    with served(FakeReadModel(shadowed=report)) as visitor:
        document = visitor.get("/v1/shadows").document
        assert (document["why"], document["rows"]) == ("not yet", [])
    for _ in range(40):
        race.take(49.0)
    report = replace(report, runs=race.runs(), present=race.present())
    with served(FakeReadModel(shadowed=report)) as visitor:
        document = visitor.get("/v1/shadows").document
        assert (document["live"], document["since"], document["why"]) == ("default", "2026-01-02T02:04:05Z", "")
        (row,) = document["rows"]
        assert (row["policy"], row["verdict"], row["hours"]) == ("early", "too-short", 0.33)
        assert row["set"] == {"thresholds.disable": "60", "thresholds.enable": "50"}
        assert row["sentence"].startswith("early: 0 h of history are too short to tell, 24 h are needed; so far")
        assert row["present"]["rungs"]["voice"] == 1
        assert row["j"] > row["jLive"]
        assert row["among"] == 1  # and so its interval is that of one
    with served() as visitor:
        answer = visitor.get("/v1/shadows")
        assert (answer.status, answer.document["error"]) == (404, "there is no policy in shadow")
