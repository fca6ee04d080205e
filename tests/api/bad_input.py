"""Documents that together set every field of both kinds, and nasty values for each kind of field."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.api.structural import Path, Schema
from tests.builders import integration_document, policy_document

#: Every field of an Integration but the workload, which comes in four kinds.
_FULL: dict[str, Any] = {
    "enabled": True,
    "priority": 10,
    "essential": False,
    "pinned": False,
    "weight": 2,
    "dependsOn": ["stubs"],
    "node": "box",
    "levels": [{"name": "full", "description": "answers at length", "value": 1, "memory": "4Gi", "config": {}}],
    "memory": "4Gi",
    "stop": {"grace": "30s"},
    "routes": [{"match": {"channel": "discord"}}],
    "concurrency": 8,
    "budget": {
        "duration": "1h",
        "tokens": 1000,
        "apiCalls": 10,
        "per": "day",
        "warnAt": 80,
        "finishAt": 80,
        "checkpointEvery": "5m",
    },
}
_TIMES = {"period": "5s", "timeout": "5s", "latencyBudget": "200ms", "failureThreshold": 3}
_PROGRAM = {"argv": ["python3", "-m"], "env": {"KEY": "value"}, "workingDirectory": "/srv/voice"}
_COMMAND = {"command": {**_PROGRAM, "levelSignal": "SIGUSR1"}}
_SCALE = {"scale": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "voice"}}
DOCUMENTS: tuple[dict[str, Any], ...] = (
    integration_document(**_FULL, workload=_COMMAND, health={**_TIMES, "http": {"port": 9000, "path": "/healthz"}}),
    integration_document(**_FULL, workload=_SCALE, health={**_TIMES, "tcp": {"port": 9000}}),
    integration_document(**_FULL, workload={"systemd": {"unit": "voice.service"}}, health={"exec": {"argv": ["true"]}}),
    integration_document(**_FULL, workload={"plugin": {"name": "voice", "load": "Lazy", "config": {}}}, health=_TIMES),
    policy_document(
        mode="Enforce",
        interval="30s",
        window="30m",
        memoryBudget="12Gi",
        scope="Auto",
        thresholds={"disable": 80, "enable": 65, "emergency": 95},
        decide={"strategy": "Thresholds", "costs": {"pressure": 5, "emergency": 20, "switch": 4}},
        restore={"strategy": "BelowEnable"},
        sentinel={"interval": "1s"},
        forecast={
            "model": "Auto",
            "horizon": "5m",
            "trainOn": 50,
            "minSamples": 10,
            "smoothing": 0.7,
            "confidence": 90,
        },
        stabilization={"enable": "5m", "settle": "30s"},
        spike={"factor": 2, "within": "30s"},
        rate={"above": 0},
        notify={
            "webhook": {"url": "https://example.org/hooks"},
            "command": {"argv": ["tell"]},
            "desktop": True,
            "every": "1m",
        },
        tiers=[
            {
                "name": "small",
                "match": {"memoryBelow": "8Gi"},
                "thresholds": {"disable": 75, "enable": 60, "emergency": 90},
            },
            {"name": "large", "match": {"memoryAtLeast": "64Gi", "coresAtLeast": 8, "gpu": True}},
            {"name": "weak", "match": {"coresBelow": 1.5, "gpuMemoryBelow": "6Gi"}},
        ],
        tier="small",
    ),
)

_WRONG_TYPES: tuple[Any, ...] = (True, 5, -1, 1.5, "word", "", [], {}, ["a"], {"a": 1}, None)
_TEXTS: tuple[Any, ...] = (
    *("\x00", "a\nb", "a b", "../x", "--force", "-x", "*.service", "x@.service", "dbus.service", ";rm -rf /", "$(id)"),
    *("\u202eevil", "e\u0301", "\U0001f600", "\ufeff", "Upper", "x" * 300, "x" * 40_000, "no", "enforce", "ENFORCE"),
)
_MEASURES: tuple[Any, ...] = (
    *("-1", "0", "5m", "5 m", "30", "1e12s", "1000000001s", "99999999h", "1ns", "0s", "4GB", "4gi", "-4Gi", "1e400"),
    *("80%", ".5", "1_000", "0x10", "9223372036854775808", "1d", "16Ei", "4Gi\n", "5s "),
)
_NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 50, 100, 101, 65536, 2**31, 2**53 + 1, 2**63, 10**400, -(10**10), 0.5, 99.95, 5.0, 1e300),
    *(float("nan"), float("inf"), -0.0),
)
NASTY: tuple[Any, ...] = (*_WRONG_TYPES, *_TEXTS, *_MEASURES, *_NUMBERS)


def fields(document: dict[str, Any], path: Path = ("spec",)) -> Iterator[Path]:
    """Give the path of everything that a document sets below its spec."""
    value: Any = document
    for step in path:
        value = value[step]
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, _ in inner:
        yield from fields(document, (*path, step))


def spoiled(document: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """Give the document with another value at a path."""
    copy = deepcopy(document)
    inner: Any = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy


def schema_of(document: dict[str, Any], crds: tuple[Schema, ...]) -> Schema:
    """Give the schema of a document's kind."""
    (found,) = (crd for crd in crds if crd["spec"]["names"]["kind"] == document["kind"])
    schema: Schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema
