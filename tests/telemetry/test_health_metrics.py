"""Health and circuits in metrics and log: one series for each word, capped, and news once."""

import logging

import pytest

from brownout.core.health import Answer
from brownout.telemetry.log_observer import LogObserver
from brownout.telemetry.metric_table import MOST_INTEGRATIONS
from tests.telemetry.test_log_observer import SetClock, said
from tests.telemetry.test_metrics import observer, series, value
from tests.telemetry.told import make_tick, make_wellbeing

WELL, ILL = (Answer.OK, Answer.OK), (Answer.OK, *(Answer.FAILED,) * 3)


def test_a_scrape_shows_health_and_circuit() -> None:
    """1 for the word that holds, 0 for the others; latency in seconds; counts of checks."""
    metrics = observer()
    metrics.on_tick(make_tick(checked={"voice": make_wellbeing(*ILL), "android": make_wellbeing(*WELL, Answer.SLOW)}))
    for word, holds in (("Healthy", 0.0), ("Unhealthy", 1.0), ("Unknown", 0.0)):
        assert value(metrics, "brownout_integration_health", integration="voice", health=word) == holds
    for word, holds in (("Closed", 0.0), ("Open", 1.0), ("HalfOpen", 0.0)):
        assert value(metrics, "brownout_integration_circuit", integration="voice", circuit=word) == holds
    assert value(metrics, "brownout_integration_check_seconds", integration="voice") == 0.05
    assert value(metrics, "brownout_integration_checks_total", integration="voice") == 4.0
    assert value(metrics, "brownout_integration_check_errors_total", integration="voice") == 3.0
    assert value(metrics, "brownout_integration_slow_checks_total", integration="android") == 1.0
    assert value(metrics, "brownout_integration_circuit_openings_total", integration="voice") == 1.0


def test_what_is_not_checked_has_no_series() -> None:
    """Nor has what is gone from the next tick on."""
    metrics = observer()
    metrics.on_tick(make_tick(checked={"voice": make_wellbeing(*WELL)}))
    metrics.on_tick(make_tick())
    assert series(metrics, "brownout_integration_health") == {}


def test_series_are_capped() -> None:
    """Of 1200 integrations 1000 have series of their own; the others are counted together."""
    metrics, ill = observer(), make_wellbeing(*ILL)
    metrics.on_tick(make_tick(checked={f"worker-{number:04}": ill for number in range(MOST_INTEGRATIONS + 200)}))
    assert len(series(metrics, "brownout_integration_health")) == 3 * (MOST_INTEGRATIONS + 1)
    assert value(metrics, "brownout_integration_health", integration="_other", health="Unhealthy") == 200.0
    assert value(metrics, "brownout_integration_check_errors_total", integration="_other") == 600.0


def test_the_log_tells_health_once(caplog: pytest.LogCaptureFixture) -> None:
    """That all is well at the start is no news; that something is not, and is again, is told once each."""
    caplog.set_level(logging.INFO, logger="brownout.engine")
    log = LogObserver(SetClock())
    for answers in (WELL, WELL, ILL, ILL, (*ILL, Answer.OK), WELL):
        log.on_tick(make_tick(checked={"voice": make_wellbeing(*answers)}))
    told = [
        (fields["health"], fields["circuit"], fields.get("message"))
        for word, fields in said(caplog)
        if word == "health"
    ]
    assert told == [
        ("Unhealthy", "Open", "3 checks in a row failed: connection refused on port 9000"),
        ("Healthy", "Open", None),
        ("Healthy", "Closed", None),
    ]
