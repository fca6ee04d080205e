"""Views: what each path of /v1 shows, read through one small port. They decide nothing and change nothing."""

from collections.abc import Iterable
from typing import Protocol

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.core.instant import Instant
from brownout.core.outlook import Outlook
from brownout.core.sample import Resource
from brownout.core.tiers import thresholds_in_force
from brownout.core.trends import trend
from brownout.core.window import Window
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.ports import DecisionRecord
from brownout.engine.shadow_watch import ShadowReport
from brownout.gateway import documents
from brownout.gateway.documents import Document, Redact
from brownout.gateway.queries import Query, duration_s, name_text, one_of, whole_number
from brownout.gateway.replies import Refusal

__all__ = ["ReadModel", "Views"]

_MOST_DECISIONS = 1000
_DECISIONS = 100
_MOST_NAMED = 20


class ReadModel(Protocol):
    """What the gateway may see. Everything but `decisions` answers at once and from memory; `metrics`, `shadows` and
    `integrations` are also called from another thread.
    """

    def integrations(self) -> tuple[Integration, ...]:
        """Every integration with its present status, in the order in which people see them."""
        ...

    def policy(self) -> BrownoutPolicy:
        """The policy in force, with its present status."""
        ...

    def window(self) -> Window:
        """The samples at hand."""
        ...

    def outlook(self) -> Outlook | None:
        """What the last tick expected; None before the first."""
        ...

    def shadows(self) -> ShadowReport | None:
        """How the policies fare that do not rule; None where there is none."""
        ...

    async def decisions(self, *, integration: str | None, since: Instant, limit: int) -> tuple[DecisionRecord, ...]:
        """Newest first. `integration` is a name, or namespace/name. Raises HistoryUnavailable."""
        ...

    def metrics(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        ...

    def readiness(self) -> tuple[str, ...]:
        """Why the controller is not fit for work, a sentence each: loop, watch, sensors, disk. Empty when it is."""
        ...

    def alive(self) -> bool:
        """Whether the last tick is recent: not older than three intervals, or a minute where that is longer."""
        ...

    def budgets(self) -> BudgetDesk | None:
        """The desk of budgets; None where none are kept."""
        ...

    def now(self) -> Instant:
        """The time, by the controller's clock."""
        ...


class Views:
    """The documents of /v1. `redact` takes secrets out of what an owner wrote. All raise Refusal."""

    def __init__(self, model: ReadModel, redact: Redact) -> None:
        self._model = model
        self._redact = redact

    def integrations(self, query: Query) -> Document:
        """All of them."""
        del query
        return documents.integration_list(self._model.integrations(), self._redact)

    def integration(self, name: str, query: Query) -> Document:
        """One of them; where two namespaces hold the name the query must say which."""
        namespace = query.read("namespace", name_text, default="")
        known = self._model.integrations()
        found = [each for each in known if each.name == name and namespace in ("", each.metadata.namespace)]
        if not found:
            raise Refusal(404, "there is no such integration", allowed=_some(each.name for each in known))
        if len(found) > 1:
            namespaces = _some(each.metadata.namespace for each in found)
            raise Refusal(400, "several namespaces have this integration", allowed=f"?namespace= one of {namespaces}")
        return documents.integration_document(found[0], self._redact)

    def policy(self, query: Query) -> Document:
        """The policy in force."""
        del query
        return documents.policy_document(self._model.policy(), self._redact)

    def samples(self, query: Query) -> Document:
        """The latest sample, the ordered history and a summary of it (requirement S3)."""
        chosen = query.read("resource", lambda text: (Resource(one_of(Resource)(text)),), default=tuple(Resource))
        window = self._model.window()
        since = self._model.now() - query.read("since", duration_s, default=window.span_s)
        shown = Window(
            span_s=window.span_s,
            capacity=window.capacity,
            samples=tuple(sample for sample in window.samples if sample.at >= since),
        )
        trends = {resource.value: trend(shown, resource) for resource in chosen}
        return {
            "latest": documents.sample_document(window.latest, chosen) if window.latest else None,
            "samples": [documents.sample_document(sample, chosen) for sample in shown.samples],
            "summary": {name: documents.trend_document(found) for name, found in trends.items() if found},
        }

    def forecast(self, query: Query) -> Document:
        """What is expected, and how far that can be trusted."""
        del query
        outlook = self._model.outlook()
        if outlook is None:
            raise Refusal(503, "nothing has been forecast yet")
        thresholds = thresholds_in_force(self._model.policy())
        return documents.outlook_document(
            outlook, disable_percent=thresholds.disable, emergency_percent=thresholds.emergency
        )

    def shadows(self, query: Query) -> Document:
        """The policies that do not rule, beside the one that does."""
        from brownout.gateway.shadows import shadows_document  # noqa: PLC0415 - the simulator is for who has shadows

        del query
        report = self._model.shadows()
        if report is None:
            allowed = "declare a BrownoutPolicy with another name than that of the one that rules"
            raise Refusal(404, "there is no policy in shadow", allowed=allowed)
        return shadows_document(report)

    async def decisions(self, query: Query) -> Document:
        """The audit log, newest first."""
        integration = query.read("integration", name_text, default="") or None
        back_s = query.read("since", duration_s, default=float("inf"))
        limit = query.read("limit", whole_number(1, _MOST_DECISIONS), default=_DECISIONS)
        since = max(0.0, self._model.now() - back_s)
        records = await self._model.decisions(integration=integration, since=since, limit=limit)
        return {"decisions": [documents.decision_document(record) for record in records]}


def _some(names: Iterable[str]) -> str:
    """The names in order, as many as help."""
    known = sorted(set(names))
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return (", ".join(known[:_MOST_NAMED]) or "none") + more
