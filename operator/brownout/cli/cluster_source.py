"""A cluster, asked as kubectl asks it. Its history stands with the agents; a status holds its last decision."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from brownout.api.integration import Integration
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy
from brownout.cli.question import Question
from brownout.core.errors import HomeUnavailable
from brownout.core.instant import from_rfc3339
from brownout.core.sample import Sample
from brownout.engine.ports import DecisionRecord
from brownout.kube.credentials import Credentials
from brownout.kube.reader import ClusterReading, read_cluster

_ELSEWHERE = "the whole history stands with the agent: ask its gateway with --server; here is the last decision of each"


@dataclass
class ClusterSource:
    """Reads once, when first asked. `instead` says why the box was not asked, for whoever has no cluster either."""

    kubeconfig: Path | None
    instead: str = ""
    notes: list[str] = field(default_factory=list)

    @cached_property
    def _reading(self) -> ClusterReading:
        try:
            return asyncio.run(read_cluster(Credentials(kubeconfig=str(self.kubeconfig) if self.kubeconfig else None)))
        except HomeUnavailable as error:
            if not self.instead:
                raise
            advice = "start one with `brownout run DIR`, or name its state folder with --state"
            raise HomeUnavailable(f"{self.instead}, and no cluster answers ({error})", advice=advice) from None

    def integrations(self) -> tuple[Integration, ...]:
        """Those of all namespaces."""
        return self._reading.integrations

    def policy(self) -> BrownoutPolicy:
        """The one named default, or the defaults."""
        return self._reading.policy or DEFAULT_POLICY

    def decisions(self, question: Question) -> tuple[DecisionRecord, ...]:
        """The last decision about each, newest first."""
        if _ELSEWHERE not in self.notes:
            self.notes.append(_ELSEWHERE)
        rows = (_last(each) for each in self._reading.integrations if question.name in (None, each.name, _key(each)))
        found = [row for row in rows if row is not None and row.at >= question.since]
        return tuple(sorted(found, key=lambda row: -row.at)[: question.limit])

    def samples(self, question: Question) -> tuple[Sample, ...]:
        """None: a cluster keeps no samples, its agents do."""
        del question
        return ()


def _key(integration: Integration) -> str:
    return f"{integration.metadata.namespace}/{integration.name}"


def _last(integration: Integration) -> DecisionRecord | None:
    last = integration.status.last_decision if integration.status else None
    at = from_rfc3339(last.at) if last else None
    if last is None or at is None or last.reason is None:
        return None
    return DecisionRecord(
        id=int(last.id) if last.id.isdigit() else 0,
        at=at,
        key=_key(integration),
        action="",
        reason=last.reason.value,
        message=last.message,
        rule="",
        dry_run=False,
        outcome="",
        numbers={
            "memory_percent": last.memory_percent,
            "forecast_percent": last.forecast_percent,
            "lower_percent": last.lower,
            "upper_percent": last.upper,
            "model": last.model or None,
        },
    )
