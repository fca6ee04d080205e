"""Hypothesis strategies for values of the wire. What they give is valid; tests of bad input spoil it themselves."""

from typing import Any

from hypothesis import strategies as st

from brownout.api.budget import Per
from brownout.api.metadata import API_VERSION
from brownout.api.quantities import format_duration, format_quantity
from brownout.api.reasons import BudgetState, ConditionStatus, ConditionType, Reason, State
from brownout.api.strategies import DecideStrategy, ForecastModel, Mode, RestoreStrategy, Scope

TIMES = st.just("2026-01-02T03:04:05Z")


def names() -> st.SearchStrategy[str]:
    """Names of objects."""
    return st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z0-9]{1,5})?", fullmatch=True)


def memory_bytes() -> st.SearchStrategy[int]:
    """Any amount of memory that a quantity can say."""
    return st.integers(0, 2**63 - 1) | st.integers(0, 64).map(lambda size: size * 2**30)


def quantities() -> st.SearchStrategy[str]:
    """Amounts of memory as text."""
    suffixes = st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E6"])
    return st.builds(lambda number, suffix: f"{number}{suffix}", st.integers(1, 10**6), suffixes)


def durations(least_ms: int = 0, most_ms: int = 3_600_000) -> st.SearchStrategy[str]:
    """Durations as text, to the millisecond."""
    return st.integers(least_ms, most_ms).map(lambda ms: format_duration(ms / 1000))


def plain_text(longest: int = 30) -> st.SearchStrategy[str]:
    """Text that may stand in a document: any characters but NUL and lone surrogates."""
    return st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=longest)


def json_values() -> st.SearchStrategy[Any]:
    """Values that JSON can hold."""
    reals = st.floats(allow_nan=False, allow_infinity=False)
    leaves: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), reals, plain_text()
    )
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | json_objects(inner), max_leaves=8)


def json_objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of JSON, with any keys."""
    return st.dictionaries(plain_text(10), inner, max_size=3)


def _some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


def workloads() -> st.SearchStrategy[dict[str, Any]]:
    """Workloads of all four kinds."""
    argv = st.lists(plain_text(), max_size=3).map(lambda rest: ["program", *rest])
    env = st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), plain_text(), max_size=3)
    command = _some({"argv": argv}, {"env": env, "workingDirectory": st.sampled_from(["/srv/voice", "voice", "."])})
    plugin = _some({"name": st.sampled_from(["voice", "stubs-2"])}, {"config": json_objects(json_values())})
    scale = _some({"apiVersion": st.just("apps/v1"), "kind": st.just("Deployment"), "name": names()}, {})
    systemd = _some({"unit": names().map(lambda name: f"x{name}.service")}, {})
    kinds = {"command": command, "plugin": plugin, "scale": scale, "systemd": systemd}
    return st.one_of(*(st.fixed_dictionaries({kind: value}) for kind, value in kinds.items()))


def levels() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Ladders of levels with different names, valid for every kind of workload."""
    level = _some({"name": st.sampled_from(["full", "reduced", "small", "v1.5"])}, {"memory": quantities()})
    return st.lists(level, max_size=3, unique_by=lambda made: made["name"])


def health_checks() -> st.SearchStrategy[dict[str, Any]]:
    """Health checks with one probe or none."""
    times = {"period": durations(100), "timeout": durations(10), "latencyBudget": durations(1, 1000)}
    ports = st.integers(1, 65535)
    probes: list[dict[str, st.SearchStrategy[Any]]] = [
        {"http": st.fixed_dictionaries({"port": ports, "path": st.just("/healthz")})},
        {"tcp": st.fixed_dictionaries({"port": ports})},
        {"exec": st.just({"argv": ["true"]})},
        {},
    ]
    return st.one_of(*(_some({}, {**times, "failureThreshold": st.integers(1, 9), **probe}) for probe in probes))


def integration_documents() -> st.SearchStrategy[dict[str, Any]]:
    """Valid Integrations as a file would hold them."""
    numbers = {"priority": st.integers(-(10**9), 10**9), "concurrency": st.integers(1, 10000)}
    flags = {name: st.booleans() for name in ("enabled", "essential", "pinned")}
    route = st.fixed_dictionaries({"match": st.just({"channel": "discord", "command": "!play*"})})
    counts = {"tokens": st.integers(0, 2**53), "apiCalls": st.integers(0, 2**53)}
    per = st.sampled_from([*Per]).map(str)
    budget = _some({}, {"duration": durations(1000), **counts, "per": per, "warnAt": st.integers(1, 100)})
    parts = {
        "dependsOn": st.lists(names().map(lambda name: f"other-{name}"), max_size=3, unique=True),
        "node": st.just("") | names(),
        "levels": levels(),
        "memory": quantities(),
        "stop": _some({}, {"grace": durations()}),
        "health": health_checks(),
        "routes": st.lists(route, max_size=2),
        "budget": budget,
    }
    return _documents("Integration", _some({"workload": workloads()}, {**numbers, **flags, **parts}))


def policy_documents() -> st.SearchStrategy[dict[str, Any]]:
    """Valid policies as a file would hold them."""
    bounds = st.lists(st.floats(0.5, 100), min_size=3, max_size=3, unique=True).map(sorted)
    thresholds = bounds.map(lambda three: dict(zip(("enable", "disable", "emergency"), three, strict=True)))
    samples = st.lists(st.integers(2, 10_000), min_size=2, max_size=2).map(sorted)
    forecast = samples.map(lambda two: {"model": "Linear", "minSamples": two[0], "trainOn": two[1], "horizon": "1h"})
    parts = {
        "mode": st.sampled_from([*Mode]).map(str),
        "scope": st.sampled_from([*Scope]).map(str),
        "decide": st.sampled_from([*DecideStrategy]).map(lambda word: {"strategy": str(word)}),
        "restore": st.sampled_from([*RestoreStrategy]).map(lambda word: {"strategy": str(word)}),
        "memoryBudget": quantities(),
        "interval": durations(1000, 300_000),
        "window": durations(300_000, 3_600_000),
        "thresholds": thresholds,
        "forecast": forecast | st.sampled_from([*ForecastModel]).map(lambda word: {"model": str(word)}),
        "sentinel": _some({}, {"interval": durations(100, 10_000)}),
        "stabilization": _some({}, {"enable": durations(), "settle": durations()}),
        "spike": _some({}, {"factor": st.floats(1.5, 1000), "within": durations(1000)}),
        "rate": _some({}, {"above": st.floats(0, 1e9)}),
        "tiers": tier_matches().map(lambda match: [{"name": "small", "match": match}]),
    }
    return _documents("BrownoutPolicy", _some({}, parts))


def tier_matches() -> st.SearchStrategy[dict[str, Any]]:
    """What a tier asks of a machine: at least one thing."""
    sizes = {name: quantities() for name in ("memoryBelow", "memoryAtLeast", "gpuMemoryBelow")}
    cores = {name: st.floats(0.1, 256.0) for name in ("coresBelow", "coresAtLeast")}
    return _some({}, {**sizes, **cores, "gpu": st.booleans()}).filter(bool)


def statuses() -> st.SearchStrategy[dict[str, Any]]:
    """Valid statuses of Integrations."""
    condition = st.fixed_dictionaries(
        {
            "type": st.sampled_from([*ConditionType]).map(str),
            "status": st.sampled_from([*ConditionStatus]).map(str),
            "reason": st.sampled_from([*Reason]).map(str),
            "message": plain_text(),
            "lastTransitionTime": TIMES,
        }
    )
    parts = {
        "observedGeneration": st.integers(0, 2**31),
        "state": st.sampled_from([*State]).map(str),
        "level": plain_text(10),
        "since": TIMES,
        "reason": st.sampled_from([*Reason]).map(str),
        "message": plain_text(),
        "footprint": _some({}, {"steady": memory_bytes().map(format_quantity), "source": st.just("measured")}),
        "budget": _some({}, {"state": st.sampled_from([*BudgetState]).map(str), "resetsAt": TIMES}),
        "replicasBefore": st.integers(0, 1000),
        "hold": _some({}, {"byController": st.booleans(), "undone": st.integers(0, 64), "returnedAt": TIMES}),
        "conditions": st.lists(condition, max_size=3),
    }
    return _some({}, parts)


def _documents(kind: str, spec: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    metadata = st.builds(lambda name: {"name": name}, names())
    head = {"apiVersion": st.just(API_VERSION), "kind": st.just(kind)}
    return st.fixed_dictionaries({**head, "metadata": metadata, "spec": spec})
