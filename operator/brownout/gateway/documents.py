"""Documents: what the core knows, as JSON. Names in camelCase with their units, unknown is null, times twice.

`at` is RFC 3339 to the second, as Kubernetes writes times; `timestampSeconds` is exact, for those who draw. Pure.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from brownout.api.integration import Integration
from brownout.api.metadata import API_VERSION
from brownout.api.policy import BrownoutPolicy
from brownout.core.anomalies import Anomaly
from brownout.core.forecast import Forecast
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.outlook import Outlook
from brownout.core.resources import OTHERS
from brownout.core.sample import Resource, Sample
from brownout.core.trends import Trend
from brownout.engine.ports import DecisionRecord

__all__ = ["Document", "decision_document", "integration_document", "integration_list", "outlook_document"]
__all__ += ["policy_document", "sample_document", "trend_document"]

Document = dict[str, Any]
Redact = Callable[[object], object]

_ALL = tuple(Resource)


def integration_list(integrations: Iterable[Integration], redact: Redact) -> Document:
    """As `kubectl get integrations -o json` shows them."""
    items = [integration_document(integration, redact) for integration in integrations]
    return {"apiVersion": API_VERSION, "kind": "IntegrationList", "items": items}


def integration_document(integration: Integration, redact: Redact) -> Document:
    """The whole object. Its spec is redacted: an owner keeps keys in `env`, and every user of the machine can ask."""
    document = integration.to_wire()
    return {**document, "spec": redact(document["spec"])}


def policy_document(policy: BrownoutPolicy, redact: Redact) -> Document:
    """The whole object. Of a webhook only its host is shown: its path is where chats keep their secret."""
    document = policy.to_wire()
    spec = dict(redact(document["spec"]))  # type: ignore[call-overload]  # what goes in as an object comes out as one
    notify = spec.get("notify") or {}
    if policy.spec.notify.webhook is not None:
        parts = urlsplit(policy.spec.notify.webhook.url)
        spec["notify"] = {**notify, "webhook": {"url": f"{parts.scheme}://{parts.netloc}/***"}}
    return {**document, "spec": spec}


def sample_document(sample: Sample, resources: Iterable[Resource] = _ALL) -> Document:
    """One sample, with the figures of these resources."""
    chosen = tuple(resources)
    document = {**_when(sample.at), **{f"{each.value}Percent": _rounded(sample.percent(each)) for each in chosen}}
    if Resource.MEMORY in chosen:
        document |= {
            "memoryBasePercent": _rounded(sample.base_percent),
            "memoryUsedBytes": sample.memory_used_bytes,
            "memoryLimitBytes": sample.memory_limit_bytes,
            "memoryStallPercent": _rounded(sample.stall_percent),
            "witness": sample.witness.value,
            "footprints": dict(sample.footprints),
        }
    return document | ({"diskFreeBytes": sample.disk_free_bytes} if Resource.DISK in chosen else {})


def trend_document(trend: Trend) -> Document:
    """Average, minimum, maximum in percent, the slope in points per minute, and the samples that are unusual."""
    return {
        "count": trend.count,
        "average": _rounded(trend.average),
        "minimum": _rounded(trend.minimum),
        "maximum": _rounded(trend.maximum),
        "slopePerMinute": _rounded(trend.slope_per_minute),
        "anomalies": [_anomaly(found) for found in trend.anomalies],
    }


def _anomaly(found: Anomaly) -> Document:
    """An unusual sample: its percentage, and how many sigmas it lies above the centre of the window, or below."""
    return {**_when(found.at), "percent": _rounded(found.percent), "sigmas": _rounded(found.sigmas)}


def outlook_document(outlook: Outlook, *, disable_percent: float, emergency_percent: float) -> Document:
    """Memory now, as forecast (base and total) and with the next step; the time left to both thresholds; CPU, disk."""
    return {
        "measuredPercent": _rounded(outlook.measured_percent),
        "limitBytes": outlook.limit_bytes,
        "witness": outlook.witness.value,
        "why": outlook.why,
        "total": _forecast(outlook.total),
        "base": _forecast(outlook.base),
        **{resource.value: _forecast(outlook.others.get(resource)) for resource in OTHERS},
        "secondsToDisable": _rounded(outlook.seconds_to(disable_percent)),
        "secondsToEmergency": _rounded(outlook.seconds_to(emergency_percent)),
        "next": _next(outlook),
    }


def _next(outlook: Outlook) -> Document | None:
    """What memory is about to be, where the beat of the load tells it."""
    if outlook.next is None or outlook.path is None:
        return None
    return {"inSeconds": outlook.next.steps * outlook.path.step_s, "percent": _rounded(outlook.next.quantile(0.5))}


def _forecast(forecast: Forecast | None) -> Document | None:
    if forecast is None:
        return None
    return {
        **_when(forecast.at),
        "percent": _rounded(forecast.value),
        "lower": _rounded(forecast.lower),
        "upper": _rounded(forecast.upper),
        "confidence": _rounded(forecast.confidence_percent),
        "model": forecast.model.value,
        "votes": forecast.votes,
        "why": forecast.why,
    }


def decision_document(record: DecisionRecord) -> Document:
    """One row of the audit log."""
    numbers = {name: _rounded(value) if isinstance(value, float) else value for name, value in record.numbers.items()}
    return {
        "id": record.id,
        **_when(record.at),
        "integration": record.key,
        "action": record.action,
        "reason": record.reason,
        "message": record.message,
        "rule": record.rule,
        "dryRun": record.dry_run,
        "numbers": numbers,
        "outcome": record.outcome,
        "outcomeAt": None if record.outcome_at is None else to_rfc3339(record.outcome_at),
        "detail": record.detail,
    }


def _when(at: Instant) -> Document:
    return {"at": to_rfc3339(at), "timestampSeconds": round(at, 3)}


def _rounded(value: float | None) -> float | None:
    """Four decimals are finer than any sensor; what JSON cannot say (an endless band) is null."""
    return None if value is None or not math.isfinite(value) else round(value, 4)
