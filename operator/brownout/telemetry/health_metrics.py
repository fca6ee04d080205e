"""Series of health checks and circuits, from the last tick. What is not checked has none."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from brownout.api.reasons import Circuit, Health
from brownout.core.health import Wellbeing
from brownout.engine.observers import TickDetails
from brownout.telemetry.metric_table import MOST_INTEGRATIONS, OTHER

__all__ = ["of_health"]

Sample = tuple[tuple[str, ...], float | None]

#: Counted since it was switched on; of those that share a series the sum.
_COUNTED: Final[Mapping[str, Callable[[Wellbeing], int]]] = {
    "integration_checks_total": lambda seen: seen.record.checks,
    "integration_check_errors_total": lambda seen: seen.record.errors,
    "integration_slow_checks_total": lambda seen: seen.record.slow,
    "integration_circuit_openings_total": lambda seen: seen.breaker.opened,
}


def of_health(details: TickDetails) -> dict[str, list[Sample]]:
    """By key, the first 1000 in order; the others together, as numbers of integrations and as sums."""
    keys = sorted(details.checked)
    shown = {key: details.checked[key] for key in keys[:MOST_INTEGRATIONS]}
    rest = [details.checked[key] for key in keys[MOST_INTEGRATIONS:]]
    series: dict[str, list[Sample]] = {
        "integration_health": [*_words(shown, rest, Health, lambda seen: seen.record.health)],
        "integration_circuit": [*_words(shown, rest, Circuit, lambda seen: seen.breaker.circuit)],
        "integration_check_seconds": [((key,), seen.record.latency_s) for key, seen in shown.items()],
    }
    for name, count in _COUNTED.items():
        series[name] = [((key,), float(count(seen))) for key, seen in shown.items()]
        if rest:
            series[name].append(((OTHER,), float(sum(count(seen) for seen in rest))))
    return series


def _words(
    shown: Mapping[str, Wellbeing],
    rest: list[Wellbeing],
    words: type[Health] | type[Circuit],
    word_of: Callable[[Wellbeing], Health | Circuit],
) -> Iterator[Sample]:
    for key, seen in shown.items():
        yield from (((key, word.value), float(word_of(seen) is word)) for word in words)
    if rest:
        found = [word_of(seen) for seen in rest]
        yield from (((OTHER, word.value), float(found.count(word))) for word in words)
