"""Prometheus metrics of what the engine does.

Gauges are drawn from the last tick at each scrape, so nothing is kept for an integration that has gone; counters and
histograms have labels from closed sets, or from sets that are closed here at a number. It asks nobody: a figure that
was not told is a series that is not there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus
from brownout.core.sample import Resource
from brownout.engine.observers import BudgetDetails, StepDetails, TickDetails
from brownout.telemetry.budget_metrics import of_budgets
from brownout.telemetry.health_metrics import of_health
from brownout.telemetry.metric_table import MOST_INTEGRATIONS, OTHER, Kind, metric

__all__ = ["MetricsObserver"]

#: Words that an open-ended label takes before the rest is `other`: the engine has some ten causes, phases and places.
MOST_WORDS: Final = 32

Series = Iterable[tuple[tuple[str, ...], float | None]]


class MetricsObserver:
    """Counts what the engine does, in a registry of its own. An engine Observer: it never raises and never blocks.

    `interval_s` gives the policy's present interval, by which missed ticks are told.
    """

    def __init__(self, *, version: str, interval_s: Callable[[], float]) -> None:
        # Every counter would bring a second series with the time of its creation.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation there
        self._interval_s = interval_s
        self._registry = CollectorRegistry(auto_describe=False)
        self._last = _LastTick(version)
        self._registry.register(self._last)
        ProcessCollector(registry=self._registry)
        self._words: dict[str, set[str]] = {}
        self._counters = {name: self._counter(name) for name in _COUNTERS}
        self._histograms = {name: self._histogram(name) for name in _HISTOGRAMS}

    def on_tick(self, details: TickDetails) -> None:
        """Count the tick and its decision, and show its figures from now on."""
        self._counters["ticks_missed_total"].inc(self._missed(details))
        self._counters["ticks_total"].labels(self._word("cause", details.cause)).inc()
        self._counters["decisions_total"].labels(details.decision.verdict.value, details.decision.reason.value).inc()
        for phase, seconds in details.durations_s.items():
            self._histograms["tick_seconds"].labels(self._word("phase", phase)).observe(seconds)
        self._last.details = details

    def on_step(self, details: StepDetails) -> None:
        """Count the step and its time."""
        action = details.step.action.value
        self._counters["steps_total"].labels(action, details.outcome.status.value).inc()
        self._histograms["step_seconds"].labels(action).observe(details.duration_s)

    def on_budget(self, details: BudgetDetails) -> None:
        """How runs stand is drawn from the last tick."""

    def on_fault(self, where: str, message: str) -> None:  # noqa: ARG002 - messages are for the log: as a label they are unbounded
        """Count the fault."""
        self._counters["faults_total"].labels(self._word("where", where)).inc()

    def render(self) -> tuple[bytes, str]:
        """The exposition and its content type. May run on any thread; 1000 integrations take some 0.1 s."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def _missed(self, details: TickDetails) -> int:
        """Whole intervals that passed since the last tick, beyond the one that was due."""
        last, interval_s = self._last.details, self._interval_s()
        if last is None or interval_s <= 0.0:
            return 0
        return max(0, round((details.at - last.at) / interval_s) - 1)

    def _word(self, label: str, word: str) -> str:
        """The word, or `other` once its label has its full number of them."""
        known = self._words.setdefault(label, set())
        if word not in known and len(known) >= MOST_WORDS:
            return "other"
        known.add(word)
        return word

    def _counter(self, name: str) -> Counter:
        known = metric(name)
        return Counter(known.name, known.meaning, known.labels, registry=self._registry)

    def _histogram(self, name: str) -> Histogram:
        known = metric(name)
        return Histogram(known.name, known.meaning, known.labels, registry=self._registry, buckets=known.buckets)


_COUNTERS: Final = ("decisions_total", "steps_total", "ticks_total", "ticks_missed_total", "faults_total")
_HISTOGRAMS: Final = ("step_seconds", "tick_seconds")


class _LastTick(Collector):
    """The gauges of the last tick."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.details: TickDetails | None = None

    def collect(self) -> Iterator[Metric]:
        """One family for each metric of which anything is known."""
        details = self.details  # another thread may put a newer one while this one is read
        yield from _families({"build_info": [((self._version,), 1.0)]})
        if details is not None:
            yield from _families(_of_machine(details))
            yield from _families(_of_integrations(details))
            yield from _families(_of_requests(details))
            yield from _families(of_health(details))
            yield from _families(of_budgets(details))


def _families(series: Mapping[str, Series]) -> Iterator[Metric]:
    for name, values in series.items():
        known = metric(name)
        kind = CounterMetricFamily if known.kind is Kind.COUNTER else GaugeMetricFamily
        family = kind(known.name, known.meaning, labels=known.labels)
        for labels, value in values:
            if value is not None:
                family.add_metric(labels, value)
        if family.samples:
            yield family


def _of_machine(details: TickDetails) -> dict[str, Series]:
    sample, seen = details.sample, details.policy_status
    plain = {
        "memory_percent": sample.percent(Resource.MEMORY),
        "memory_base_percent": sample.base_percent,
        "memory_used_bytes": sample.memory_used_bytes,
        "memory_limit_bytes": sample.memory_limit_bytes,
        "memory_stall_percent": sample.stall_percent,
        "memory_seconds_to_disable": seen.time_to_disable,
        "memory_seconds_to_emergency": seen.time_to_emergency,
        "cpu_percent": sample.percent(Resource.CPU),
        "disk_percent": sample.percent(Resource.DISK),
        "disk_free_bytes": sample.disk_free_bytes,
        "tick_last_timestamp_seconds": details.at,
    }
    bounds = (("value",), seen.forecast_percent), (("lower",), seen.lower), (("upper",), seen.upper)
    return {"memory_forecast_percent": bounds, **{name: [((), value)] for name, value in plain.items()}}


def _of_integrations(details: TickDetails) -> dict[str, Series]:
    """By key, the first 1000 in order; the others together, their states as numbers of integrations."""
    keys = sorted(details.statuses)
    shown, rest = keys[:MOST_INTEGRATIONS], keys[MOST_INTEGRATIONS:]
    memory = details.sample.footprints
    states = [((key, state.value), float(_state(details.statuses[key]) is state)) for key in shown for state in State]
    held = [((key,), float(memory[key])) for key in shown if key in memory]
    if rest:
        among = [_state(details.statuses[key]) for key in rest]
        states += [((OTHER, state.value), float(among.count(state))) for state in State]
        held.append(((OTHER,), float(sum(memory.get(key, 0) for key in rest))))
    return {"integration_state": states, "integration_memory_bytes": held}


def _of_requests(details: TickDetails) -> dict[str, Series]:
    """By key, the first 1000 in order; of the others the rate together. Without requests nothing is averaged."""
    keys = sorted(details.readings)
    shown = {key: details.readings[key] for key in keys[:MOST_INTEGRATIONS]}
    rest = [details.readings[key].rate for key in keys[MOST_INTEGRATIONS:]]
    rates = [((key,), reading.rate) for key, reading in shown.items()]
    return {
        "integration_requests_per_second": [*rates, ((OTHER,), sum(rest))] if rest else rates,
        "integration_response_seconds": [((key,), _seconds(reading.response_ms)) for key, reading in shown.items()],
        "integration_failure_ratio": [((key,), reading.failure_share) for key, reading in shown.items()],
    }


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000.0


def _state(status: IntegrationStatus) -> State:
    return status.state or State.PENDING
