"""The metrics that a scraper sees: what was told, nothing that was not, and never without bound."""

from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from brownout.api.reasons import BudgetState, Reason, State
from brownout.core.health import Answer
from brownout.core.plan import Verdict
from brownout.engine.ports import OutcomeStatus
from brownout.telemetry.metric_table import METRICS, MOST_INTEGRATIONS, MOST_RUNS, markdown
from brownout.telemetry.metrics import MOST_WORDS, MetricsObserver
from tests.telemetry.told import (
    GIB,
    make_decision,
    make_reading,
    make_run,
    make_step_details,
    make_tick,
    make_wellbeing,
)

Labels = tuple[tuple[str, str], ...]

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def observer() -> MetricsObserver:
    """An observer at the default interval."""
    return MetricsObserver(version="1.2.3", interval_s=lambda: 30.0)


def families(metrics: MetricsObserver) -> dict[str, Metric]:
    """What a scrape gives, by the name in the table."""
    body, _ = metrics.render()
    found = text_string_to_metric_families(body.decode())
    return {family.name + ("_total" if family.type == "counter" else ""): family for family in found}


def series(metrics: MetricsObserver, name: str) -> dict[Labels, float]:
    """The samples of one name, by their labels."""
    found = (sample for family in families(metrics).values() for sample in family.samples if sample.name == name)
    return {tuple(sorted(sample.labels.items())): sample.value for sample in found}


def value(metrics: MetricsObserver, name: str, **labels: str) -> float | None:
    """One sample, or None."""
    return series(metrics, name).get(tuple(sorted(labels.items())))


def told() -> MetricsObserver:
    """An observer that was told one of everything."""
    metrics = observer()
    tick = make_tick(
        footprints={"voice": GIB},
        readings={"voice": make_reading()},
        checked={"voice": make_wellbeing(Answer.OK)},
        runs=(make_run(),),
    )
    metrics.on_tick(tick)
    metrics.on_step(make_step_details())
    metrics.on_fault("sensor", "psutil raised")
    return metrics


def test_a_scrape_shows_the_last_tick() -> None:
    """Figures are those of the tick, in percent and bytes, with the base apart from our own."""
    metrics = told()
    assert value(metrics, "brownout_memory_percent") == 50.0
    assert value(metrics, "brownout_memory_base_percent") == 37.5
    assert value(metrics, "brownout_memory_limit_bytes") == 8 * GIB
    bounds = {
        bound: value(metrics, "brownout_memory_forecast_percent", bound=bound) for bound in ("value", "lower", "upper")
    }
    assert bounds == {"value": 55.0, "lower": 52.0, "upper": 58.0}
    assert value(metrics, "brownout_integration_memory_bytes", integration="voice") == GIB


def test_an_integration_is_in_exactly_one_state() -> None:
    """The state that it is in is 1 and every other one 0."""
    metrics = observer()
    metrics.on_tick(make_tick(states={"voice": State.DISABLED}))
    states = series(metrics, "brownout_integration_state")
    assert {dict(labels)["state"]: number for labels, number in states.items()} == {
        state.value: float(state is State.DISABLED) for state in State
    }


def test_what_is_not_known_has_no_series() -> None:
    """Unknown is neither zero nor low: a figure that was not measured is not there."""
    metrics = told()
    assert "brownout_cpu_percent" not in families(metrics)
    assert "brownout_memory_stall_percent" not in families(metrics)


def test_before_the_first_tick_only_the_build_is_known() -> None:
    """A scrape that comes early is answered, without made-up figures."""
    metrics = observer()
    assert value(metrics, "brownout_build_info", version="1.2.3") == 1.0
    assert "brownout_memory_percent" not in families(metrics)


def test_decisions_steps_and_faults_are_counted_by_their_words() -> None:
    """Each is counted once under its own labels."""
    metrics = told()
    metrics.on_tick(
        make_tick(at=1030.0, decision=make_decision(verdict=Verdict.SHED, reason=Reason.EMERGENCY, steps=1))
    )
    metrics.on_step(make_step_details(status=OutcomeStatus.FAILED, seconds=40.0))
    assert value(metrics, "brownout_decisions_total", verdict="Shed", reason="Emergency") == 1.0
    assert value(metrics, "brownout_decisions_total", verdict="Hold", reason="WithinLimits") == 1.0
    assert value(metrics, "brownout_steps_total", action="Disable", outcome="Failed") == 1.0
    assert value(metrics, "brownout_step_seconds_bucket", action="Disable", le="0.5") == 1.0
    assert value(metrics, "brownout_step_seconds_count", action="Disable") == 2.0
    assert value(metrics, "brownout_faults_total", where="sensor") == 1.0
    assert value(metrics, "brownout_tick_seconds_count", phase="observe") == 2.0


@pytest.mark.parametrize(("next_at", "missed"), [(1001.0, 0.0), (1030.0, 0.0), (1044.0, 0.0), (1120.0, 3.0)])
def test_intervals_without_a_tick_are_counted(next_at: float, missed: float) -> None:
    """A tick that is early or a little late misses nothing; after two minutes at 30 s three were missed."""
    metrics = observer()
    metrics.on_tick(make_tick(at=1000.0))
    metrics.on_tick(make_tick(at=next_at))
    assert value(metrics, "brownout_ticks_missed_total") == missed


def test_the_series_of_an_integration_go_with_it() -> None:
    """Churned names leave nothing behind."""
    metrics = observer()
    for round_number in range(50):
        metrics.on_tick(make_tick(at=1000.0 + round_number, states={f"job-{round_number}": State.ENABLED}))
    names = {dict(labels)["integration"] for labels in series(metrics, "brownout_integration_state")}
    assert names == {"job-49"}


def test_ten_thousand_integrations_stay_within_the_cap() -> None:
    """Beyond the first thousand all share one series, whose numbers are their count and their sum."""
    metrics = observer()
    states = {f"default/job-{number:05}": State.ENABLED for number in range(10_000)}
    metrics.on_tick(make_tick(states=states, footprints=dict.fromkeys(states, 1000)))
    held = series(metrics, "brownout_integration_memory_bytes")
    assert len(held) == MOST_INTEGRATIONS + 1
    assert held[(("integration", "_other"),)] == 9_000_000.0
    assert value(metrics, "brownout_integration_state", integration="_other", state="Enabled") == 9000.0
    assert len(series(metrics, "brownout_integration_state")) == (MOST_INTEGRATIONS + 1) * len(State)


def test_requests_are_shown_by_integration() -> None:
    """Rate, mean response in seconds and the share that failed; what did not come has no response (requirement S7)."""
    metrics = observer()
    silent = make_reading(rate=0.0, response_ms=None, failed=None)
    metrics.on_tick(make_tick(readings={"voice": make_reading(), "android": silent}))
    assert value(metrics, "brownout_integration_requests_per_second", integration="voice") == 2.0
    assert value(metrics, "brownout_integration_response_seconds", integration="voice") == 0.125
    assert value(metrics, "brownout_integration_failure_ratio", integration="voice") == 0.25
    assert value(metrics, "brownout_integration_requests_per_second", integration="android") == 0.0
    assert value(metrics, "brownout_integration_response_seconds", integration="android") is None


def test_rates_beyond_the_cap_are_summed() -> None:
    """Of more than a thousand integrations the others share one rate."""
    metrics = observer()
    metrics.on_tick(make_tick(readings={f"job-{number:05}": make_reading() for number in range(1500)}))
    assert value(metrics, "brownout_integration_requests_per_second", integration="_other") == 1000.0
    assert len(series(metrics, "brownout_integration_response_seconds")) == MOST_INTEGRATIONS


def test_a_run_shows_what_it_has_used_and_how_it_stands() -> None:
    """By name and measure; a measure without a limit has no limit's series, and with the run all of it is gone."""
    metrics = observer()
    metrics.on_tick(make_tick(runs=(make_run(),)))
    assert value(metrics, "brownout_budget_used", run="nightly", measure="tokens") == 900.0
    assert value(metrics, "brownout_budget_limit", run="nightly", measure="tokens") == 1000.0
    assert len(series(metrics, "brownout_budget_limit")) == 1
    states = {state: value(metrics, "brownout_budget_state", run="nightly", state=state) for state in BudgetState}
    assert states == {BudgetState.OK: 0.0, BudgetState.APPROACHING: 1.0, BudgetState.EXCEEDED: 0.0}
    metrics.on_tick(make_tick())
    assert not {"brownout_budget_used", "brownout_budget_limit", "brownout_budget_state"} & set(families(metrics))


def test_runs_are_bounded() -> None:
    """Names of runs are words of users: a thousand of them do not become a thousand labels."""
    metrics = observer()
    metrics.on_tick(make_tick(runs=tuple(make_run(f"run-{number:04}") for number in range(1000))))
    assert len(series(metrics, "brownout_budget_state")) == MOST_RUNS * len(BudgetState)


def test_open_words_are_capped() -> None:
    """A label whose words the table does not close takes 32 of them, then `other`."""
    metrics = observer()
    for number in range(1000):
        metrics.on_fault(f"place-{number}", "")
    assert len(series(metrics, "brownout_faults_total")) == MOST_WORDS + 1
    assert value(metrics, "brownout_faults_total", where="other") == 1000 - MOST_WORDS


@pytest.mark.parametrize("hostile", ['a"b', "a\nb 1\n", "a\\", "\x1b[31m", "a\x00b", "\u202e", "💥" * 100])
def test_a_hostile_label_value_is_one_value_of_one_series(hostile: str) -> None:
    """Whatever is in a label, the exposition parses and says the same."""
    metrics = observer()
    metrics.on_fault(hostile, "")
    metrics.on_tick(make_tick(states={hostile: State.ENABLED}))
    assert value(metrics, "brownout_faults_total", where=hostile) == 1.0
    assert value(metrics, "brownout_integration_state", integration=hostile, state="Enabled") == 1.0


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    """What is shown is what is promised: name, kind and labels, and no series beside them but the process's own."""
    metrics = told()
    promised = {known.name: known for known in METRICS}
    shown = {name: family for name, family in families(metrics).items() if not name.startswith("process_")}
    assert set(shown) <= set(promised)
    for name, family in shown.items():
        assert family.type == promised[name].kind
        assert {label for sample in family.samples for label in sample.labels} - {"le"} == set(promised[name].labels)


def test_every_metric_of_the_table_can_be_shown() -> None:
    """Nothing is promised that no tick, step or fault can bring about; unknown figures are the exception."""
    absent = {known.name for known in METRICS} - set(families(told()))
    assert absent == {
        "brownout_cpu_percent", "brownout_memory_stall_percent", "brownout_memory_seconds_to_disable",
        "brownout_memory_seconds_to_emergency",
    }  # fmt: skip


def test_the_documentation_is_the_table() -> None:
    """docs/metrics.md holds the table as it is, to the letter."""
    assert markdown() in DOCS.read_text(encoding="utf-8")


def test_two_observers_do_not_share_a_registry() -> None:
    """What one counts the other does not show."""
    one, other = observer(), observer()
    one.on_fault("sensor", "")
    assert series(other, "brownout_faults_total") == {}
