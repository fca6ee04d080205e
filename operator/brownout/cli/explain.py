"""`brownout explain NAME`: why it is as it is, what else was considered, what brings it back."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.integration import Integration
from brownout.api.quantities import approximate_bytes
from brownout.api.reasons import ConditionStatus, ConditionType, Health
from brownout.api.reasons import State as StateWord
from brownout.api.status import BudgetStatus, IntegrationStatus, LevelStatus
from brownout.bootstrap.settings import HomeMode
from brownout.cli.helping import helping
from brownout.cli.options import GatewayToken, Json, Kubeconfig, Mode, Server, State, chosen, notes_of, now, print_json
from brownout.cli.question import Question
from brownout.cli.source import Source, StateSource, source_of
from brownout.core.errors import HistoryUnavailable, InvalidInput
from brownout.core.instant import from_rfc3339, to_rfc3339
from brownout.core.table import plain_table
from brownout.core.wording import duration, threshold
from brownout.engine.ports import DecisionRecord
from brownout.gateway.documents import decision_document

LAST_DECISIONS = 5


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the integration.")],
    output: Json = "",
    state: State = None,
    server: Server = None,
    token_file: GatewayToken = None,
    mode: Mode = HomeMode.AUTO,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Say why an integration is as it is, with the numbers.

    Example: brownout explain voice
    """
    chosen(output, ("", "json"), "an output")
    source = source_of(state=state, server=server, token_file=token_file, mode=mode, kubeconfig=kubeconfig)
    everything = source.integrations()
    integration = next((each for each in everything if each.name == name), None)
    if integration is None:
        known = ", ".join(sorted(each.name for each in everything)) or "none"
        raise InvalidInput(f'there is no integration "{name}"', advice=f"known are: {known}")
    decisions = _decisions(source, integration)
    helps = helping(integration.name, everything, source, now=now())
    notes_of(source)
    if output == "json":
        rows = [decision_document(row) for row in decisions]
        print_json({"integration": integration.to_wire(), "decisions": rows, "suggestions": list(helps)})
        return
    printed = source.output_of(name) if isinstance(source, StateSource) else None
    lines = explanation(integration, everything, decisions, at=now(), helps=helps, output=printed)
    sys.stdout.write("\n".join(lines) + "\n")


def explanation(
    integration: Integration,
    everything: tuple[Integration, ...],
    decisions: tuple[DecisionRecord, ...],
    *,
    at: float,
    helps: tuple[str, ...] = (),
    output: Path | None = None,
) -> Iterator[str]:
    """The lines of an explanation, the answer first. `output` is the file of what its program printed."""
    status = integration.status or IntegrationStatus()
    yield f"{integration.name} is {_standing(status, at=at)}."
    if status.message:
        yield f"Why: {status.message}."
    yield from _refused(status)
    yield from _facts(status)
    if output is not None and (status.state is StateWord.FAILED or status.health is Health.UNHEALTHY):
        yield f"What it printed: {output}"
    for level in status.levels or ():
        yield f"Its level {level.name}: {_level(level)}."
    if decisions:
        yield from _numbers(decisions[0])
    yield f"Order of going: {_order(everything)}."
    for help_ in helps:
        yield f"What would help: {help_}."
    if decisions:
        yield ""
        yield _log(decisions)


def _refused(status: IntegrationStatus) -> Iterator[str]:
    """What is wrong with what its owner wrote last; the version before it stands."""
    for each in status.conditions:
        if each.type is ConditionType.ACCEPTED and each.status is ConditionStatus.FALSE and each.message:
            yield f"Not accepted, so its last good version stands: {each.message}."


def _facts(status: IntegrationStatus) -> Iterator[str]:
    """What its status knows of it, as far as it does."""
    if status.circuit is not None:
        yield f"Its health: {_health(status)}."
    if status.budget is not None and status.budget.state is not None:
        yield f"Its budget: {_budget(status.budget)}."
    if status.returns_when:
        yield f"It returns when: {status.returns_when}."
    if status.footprint and status.footprint.steady is not None:
        yield f"Its memory: {_footprint(status)}."


def _standing(status: IntegrationStatus, *, at: float) -> str:
    since = from_rfc3339(status.since)
    word = status.state.value if status.state else "not seen yet"
    level = f" at level {status.level}" if status.level and status.state is not StateWord.DISABLED else ""
    when = f" since {status.since} ({duration(max(0, round(at - since)))})" if since is not None else ""
    return f"{word}{level}{when}"


def _budget(budget: BudgetStatus) -> str:
    used = f", {threshold(budget.percent)} or more used" if budget.percent else ""
    anew = f", counts from zero at {budget.resets_at}" if budget.resets_at else ""
    return f"{budget.state}{used}{anew}"


def _health(status: IntegrationStatus) -> str:
    """What its checks say, and whether it gets requests; of one that is off there is nothing to say."""
    healthy = next((each for each in status.conditions if each.type is ConditionType.HEALTHY), None)
    why = f" ({healthy.message})" if healthy is not None and healthy.message else ""
    return f"{status.health or Health.UNKNOWN}, its circuit: {status.circuit}{why}"


def _footprint(status: IntegrationStatus) -> str:
    known = status.footprint
    if known is None or known.steady is None:
        return "not known yet"
    peak = f", at most {approximate_bytes(known.peak)}" if known.peak is not None else ""
    held = f"; it holds {approximate_bytes(status.memory)} now" if status.memory else ""
    return f"{approximate_bytes(known.steady)}{peak} ({known.source}){held}"


def _level(level: LevelStatus) -> str:
    """What is known of one level from its own past."""
    known = [approximate_bytes(level.memory)] if level.memory is not None else []
    if level.response_ms is not None:
        late = f", 95 % within {level.p95_ms:g} ms" if level.p95_ms is not None else ""
        known.append(f"answers in {level.response_ms:g} ms{late}")
    # None failed of those that nobody asked is no news: without a response time there may have been checks alone.
    if level.failure_percent or (level.failure_percent is not None and level.response_ms is not None):
        known.append(f"{level.failure_percent:g} % of its requests or checks failed")
    if level.message:
        known.append(f"passed over for now: {level.message}")
    return "; ".join(known) or "nothing is known of it yet"


def _numbers(decision: DecisionRecord) -> Iterator[str]:
    """What the last decision rested on, and whether the forecast had a say in it."""
    said = decision.numbers
    memory, forecast = said.get("memory_percent"), said.get("forecast_percent")
    parts = [f"RAM {memory:.1f} %" if isinstance(memory, float | int) else "RAM unknown"]
    if isinstance(forecast, float | int):
        votes = f" (votes: {said['votes']})" if said.get("votes") else ""
        parts.append(f"forecast {forecast:.1f} % by {said.get('model')}{votes}")
    if said.get("witness"):
        parts.append(f"measured by {said['witness']}")
    if decision.rule:
        parts.append(f"decided by the rule {decision.rule}")
    yield f"Considered: {', '.join(parts)}."


def _order(everything: tuple[Integration, ...]) -> str:
    """Who goes before whom, with what each is now."""
    ordered = sorted(everything, key=lambda each: (each.spec.essential, each.spec.priority, each.name))
    return ", ".join(f"{each.name} ({_word(each)})" for each in ordered)


def _word(integration: Integration) -> str:
    state = integration.status.state if integration.status else None
    return f"{state.value if state else 'not seen yet'}{', essential: never' if integration.spec.essential else ''}"


def _decisions(source: Source, integration: Integration) -> tuple[DecisionRecord, ...]:
    namespace = integration.metadata.namespace
    keys = dict.fromkeys((integration.name, f"{namespace}/{integration.name}"))
    try:
        found = (source.decisions(Question(name=key, limit=LAST_DECISIONS)) for key in keys)
        return next(filter(None, found), ())
    except HistoryUnavailable as error:  # its status says why all the same
        source.notes.append(str(error))
        return ()


def outcome_word(row: DecisionRecord) -> str:
    """What came of it; empty where only the decision is known."""
    return "under way" if row.outcome is None else row.outcome


def _log(decisions: tuple[DecisionRecord, ...]) -> str:
    rows = [(to_rfc3339(row.at), row.action, row.reason, outcome_word(row), row.message) for row in decisions]
    return plain_table(("AT", "ACTION", "REASON", "OUTCOME", "MESSAGE"), rows)
