"""The rivals that every report carries."""

from brownout.simulate.contender import Contender
from brownout.simulate.oracle import Oracle
from brownout.simulate.plant import Plant
from brownout.simulate.rivals.earlyoom import EarlyOom
from brownout.simulate.rivals.kubelet import Kubelet
from brownout.simulate.rivals.no_forecast import NoForecast
from brownout.simulate.rivals.plain_regression import PlainRegression
from brownout.simulate.rivals.reactive import Reactive
from brownout.simulate.traces import Base

#: Their names, in this order.
RIVALS = tuple(rival.name for rival in (PlainRegression, NoForecast, Kubelet, Reactive, EarlyOom, Oracle))


def rivals_for(plant: Plant, base: Base) -> tuple[Contender, ...]:
    """All of them, fresh, for one run each; the oracle, last, is told the base."""
    return (PlainRegression(), NoForecast(), Kubelet(), Reactive(), EarlyOom(), Oracle(plant.things, base.values))
