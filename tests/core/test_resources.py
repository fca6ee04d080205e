"""CPU and disk: forecast beside memory, each by its own past, and nothing is decided by them (requirement F1)."""

from dataclasses import replace

import pytest

from brownout.core.decide import decide
from brownout.core.gather import snapshot_of
from brownout.core.ledger import Ledger, sampled
from brownout.core.resources import others_foretold, others_sampled
from brownout.core.sample import Resource, Sample
from tests.builders import make_policy
from tests.worlds import NOW, the_four

POLICY = make_policy().spec


def _seen(count: int, ledger: Ledger | None = None, **percents: float | None) -> Ledger:
    """After so many ticks with the same CPU, disk and memory; CPU rises by half a point a tick."""
    ledger = ledger or Ledger()
    start = ledger.sample.at + 30.0 if ledger.sample else NOW
    for tick in range(count):
        cpu = percents.get("cpu", 20.0 + 0.5 * tick)
        sample = Sample(
            at=start + 30.0 * tick, memory_percent=50.0, cpu_percent=cpu, disk_percent=percents.get("disk", 70.0)
        )
        ledger = others_sampled(sampled(ledger, sample, POLICY), sample, POLICY)
    return ledger


def test_each_is_forecast_by_its_own_past() -> None:
    """CPU that rises by half a point a tick is seen five points higher in ten ticks, a disk that stays as it is."""
    forecasts = others_foretold(_seen(150).others)
    assert forecasts[Resource.CPU].value == pytest.approx(94.5 + 5.0, abs=1.0)
    assert forecasts[Resource.CPU].at == NOW + 149 * 30.0 + 300.0
    assert forecasts[Resource.DISK].value == pytest.approx(70.0, abs=0.1)
    assert forecasts[Resource.DISK].lower <= 70.0 <= forecasts[Resource.DISK].upper
    assert set(forecasts) == {Resource.CPU, Resource.DISK}


def test_what_nobody_can_read_is_not_forecast() -> None:
    """A sensor that fails leaves the others alone, and one that comes back is forecast again."""
    blind = _seen(20, cpu=None)
    assert set(others_foretold(blind.others)) == {Resource.DISK}
    assert set(others_foretold(_seen(5, blind).others)) == {Resource.CPU, Resource.DISK}


def test_other_settings_learn_from_the_window() -> None:
    """A panel for another horizon begins with what the window holds, and not with nothing."""
    ledger = _seen(40, disk=70.0)
    policy = make_policy(forecast={"horizon": "10m"}).spec
    sample = replace(ledger.sample or Sample(at=NOW), at=NOW + 40 * 30.0)
    forecast = others_foretold(others_sampled(sampled(ledger, sample, policy), sample, policy).others)[Resource.DISK]
    assert forecast.at == sample.at + 600.0
    assert forecast.value == pytest.approx(70.0, abs=0.1)


def test_nothing_is_decided_by_them() -> None:
    """With CPU and disk at 100 % the plan is that without them, and their forecasts stand in the outlook."""
    busy, idle = (_seen(60, cpu=percent, disk=percent) for percent in (100.0, 0.0))
    now = NOW + 59 * 30.0
    plans = [snapshot_of(POLICY, ledger, tuple(the_four()), in_flight=frozenset(), now=now) for ledger in (busy, idle)]
    assert plans[0].outlook.others[Resource.DISK].value == pytest.approx(100.0, abs=0.1)
    assert decide(plans[0], now=now) == decide(plans[1], now=now)
