"""CPU and disk are forecast beside memory (requirement F1), each by a panel of its own; nothing is decided by them.

They are forecast as they are measured: what our integrations do to them is not told apart, as it is for memory.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from brownout.api.policy import PolicySpec
from brownout.core.forecast import Forecast, foretold
from brownout.core.forecasting.feeding import fed_with
from brownout.core.forecasting.panel import Panel
from brownout.core.ledger import Ledger
from brownout.core.sample import Resource, Sample

__all__ = ["OTHERS", "others_foretold", "others_sampled"]

OTHERS: Final = (Resource.CPU, Resource.DISK)


def others_sampled(ledger: Ledger, sample: Sample, policy: PolicySpec) -> Ledger:
    """The ledger after one look at CPU and disk. One panel costs half a millisecond, as for memory.

    A panel that is new, or made for other settings, learns from the window, which holds this sample already.
    """
    panels = {resource: _sampled(ledger, resource, sample, policy) for resource in OTHERS}
    return replace(ledger, others=MappingProxyType(panels))


def _sampled(ledger: Ledger, resource: Resource, sample: Sample, policy: PolicySpec) -> Panel:
    panel = ledger.others.get(resource)
    if panel is not None and panel.fits(policy.forecast, interval_s=policy.interval):
        return fed_with(panel, sample.at, sample.percent(resource), policy)
    panel = Panel.blank(policy.forecast, interval_s=policy.interval)
    for each in ledger.window.samples:
        panel = fed_with(panel, each.at, each.percent(resource), policy)
    return panel


def others_foretold(panels: Mapping[Resource, Panel]) -> Mapping[Resource, Forecast]:
    """What is expected of each at the horizon, where anything is."""
    forecasts = ((resource, foretold(panel)) for resource, panel in panels.items())
    return MappingProxyType({resource: forecast for resource, forecast in forecasts if forecast is not None})
