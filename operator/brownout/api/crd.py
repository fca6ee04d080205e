"""The CustomResourceDefinitions, generated from the models: schema, defaults, rules, columns and names.

The files in `crds/` are these documents written down; a test fails where they differ. Valid for Kubernetes 1.20 (which
passes over the CEL rules) and later.
"""

from typing import Any, Final

from pydantic import BaseModel

from brownout.api.integration import Integration
from brownout.api.metadata import GROUP, VERSION
from brownout.api.policy import BrownoutPolicy
from brownout.api.schema import resource_schema, without_checks

__all__ = ["INTEGRATION_COLUMNS", "POLICY_COLUMNS", "crd_documents", "crd_file_name"]

_Column = tuple[str, str, str, str]

#: Name, type, where it stands, and what it says. What both `kubectl get` and `brownout get` show, in this order.
INTEGRATION_COLUMNS: Final[tuple[_Column, ...]] = (
    ("STATE", "string", ".status.state", "What it is doing."),
    ("LEVEL", "string", ".status.level", "Level at which it runs."),
    ("PRIORITY", "integer", ".spec.priority", "The lowest is given up first."),
    ("HEALTH", "string", ".status.health", "What the health checks say."),
    ("MEMORY", "string", ".status.memory", "Memory that it holds now."),
    ("REASON", "string", ".status.reason", "Why it is so."),
    ("SINCE", "date", ".status.since", "Time since its state or level last changed."),
)
INTEGRATION_WIDE_COLUMNS: Final[tuple[_Column, ...]] = (
    ("CIRCUIT", "string", ".status.circuit", "State of the circuit breaker."),
    ("NODE", "string", ".status.node", "Node whose agent speaks."),
    ("RETURNS-WHEN", "string", ".status.returnsWhen", "What brings it back."),
)
POLICY_COLUMNS: Final[tuple[_Column, ...]] = (
    ("MODE", "string", ".spec.mode", "Whether decisions are carried out."),
    ("MEMORY", "number", ".status.memoryPercent", "Memory in use, in percent."),
    ("FORECAST", "number", ".status.forecastPercent", "Memory that is forecast, in percent."),
    ("MODEL", "string", ".status.model", "Model that made the forecast."),
    ("TIME-TO-DISABLE", "string", ".status.timeToDisable", "Time left until the disable threshold."),
)
POLICY_WIDE_COLUMNS: Final[tuple[_Column, ...]] = (
    ("NODE", "string", ".status.node", "Node whose agent speaks."),
    ("TIER", "string", ".status.tier", "Tier in force."),
    ("DISABLE", "number", ".status.thresholds.disable", "Percent at which integrations are given up, as in force."),
    ("ENABLE", "number", ".status.thresholds.enable", "Percent below which they come back, as in force."),
    (
        "EMERGENCY",
        "number",
        ".status.thresholds.emergency",
        "Percent at which all but the essential goes, as in force.",
    ),
)


def crd_documents() -> tuple[dict[str, Any], ...]:
    """Give the CRDs of Integration and BrownoutPolicy."""
    integration = _crd(
        _names("Integration", "integrations", "intg"),
        "Namespaced",
        Integration,
        [*_columns(INTEGRATION_COLUMNS), *_columns(INTEGRATION_WIDE_COLUMNS, priority=1)],
    )
    policy = _crd(
        _names("BrownoutPolicy", "brownoutpolicies", "bpol"),
        "Cluster",
        BrownoutPolicy,
        [*_columns(POLICY_COLUMNS), *_columns(POLICY_WIDE_COLUMNS, priority=1)],
    )
    return integration, policy


def crd_file_name(crd: dict[str, Any]) -> str:
    """Give the name of the file that holds a CRD: `brownout.dev_integrations.yaml`."""
    return f"{crd['spec']['group']}_{crd['spec']['names']['plural']}.yaml"


def _names(kind: str, plural: str, short: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short],
        "categories": ["brownout"],
    }


def _crd(names: dict[str, Any], scope: str, model: type[BaseModel], columns: list[dict[str, Any]]) -> dict[str, Any]:
    schema = resource_schema(model)
    schema["properties"]["status"] = without_checks(schema["properties"]["status"])
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}", "labels": {"app.kubernetes.io/name": "brownout"}},
        "spec": {"group": GROUP, "names": names, "scope": scope, "versions": [version]},
    }


def _columns(columns: tuple[_Column, ...], *, priority: int = 0) -> list[dict[str, Any]]:
    wide = {"priority": priority} if priority else {}
    return [
        {"name": name, "type": kind, "jsonPath": path, "description": text, **wide}
        for name, kind, path, text in columns
    ]
