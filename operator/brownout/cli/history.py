"""`brownout history`: what was decided, and what was measured."""

import sys
from typing import Annotated

import typer

from brownout.bootstrap.settings import HomeMode
from brownout.cli.explain import outcome_word
from brownout.cli.options import (
    GatewayToken,
    Json,
    Kubeconfig,
    Mode,
    Server,
    Since,
    State,
    chosen,
    notes_of,
    now,
    print_json,
    since_instant,
)
from brownout.cli.question import Question
from brownout.cli.source import Source, source_of
from brownout.core.errors import InvalidInput
from brownout.core.instant import to_rfc3339
from brownout.core.sample import Sample
from brownout.core.table import plain_table
from brownout.core.trends import summary
from brownout.core.window import Window
from brownout.engine.ports import DecisionRecord
from brownout.gateway.documents import decision_document, sample_document, trend_document


def history(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only decisions about this one.")] = None,
    since: Since = "24h",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="At most so many decisions.")] = 100,
    output: Json = "",
    state: State = None,
    server: Server = None,
    token_file: GatewayToken = None,
    mode: Mode = HomeMode.AUTO,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show decisions and a summary of the samples.

    Example: brownout history voice --since 1h
    """
    chosen(output, ("", "json"), "an output")
    question = Question(name=name, since=since_instant(since), limit=limit)
    source = source_of(state=state, server=server, token_file=token_file, mode=mode, kubeconfig=kubeconfig)
    notes_of(source)
    decisions, samples = source.decisions(question), source.samples(question)
    if name is not None and not decisions:
        _known(source, name)
    window = Window(span_s=now(), capacity=len(samples) or 1, samples=samples)
    if output == "json":
        print_json(
            {
                "decisions": [decision_document(row) for row in decisions],
                "samples": [sample_document(sample) for sample in samples],
                "summary": {resource.value: trend_document(found) for resource, found in summary(window).items()},
            }
        )
        return
    sys.stdout.write(f"{_decisions(decisions)}\n\n{_summary(window, samples)}\n")


def _known(source: Source, name: str) -> None:
    """Refuse a name about which nothing was decided, and which nobody declares: it is misspelt."""
    found = source.integrations()
    if not any(name in (each.name, f"{each.metadata.namespace}/{each.name}") for each in found):
        known = ", ".join(sorted(each.name for each in found)) or "none"
        raise InvalidInput(f'there is no integration "{name}"', advice=f"known are: {known}")


def _decisions(decisions: tuple[DecisionRecord, ...]) -> str:
    if not decisions:
        return "No decisions in this time."
    rows = [(to_rfc3339(it.at), it.key, it.action, outcome_word(it), it.reason, it.message) for it in decisions]
    return plain_table(("AT", "INTEGRATION", "ACTION", "OUTCOME", "REASON", "MESSAGE"), rows)


def _summary(window: Window, samples: tuple[Sample, ...]) -> str:
    if not samples:
        return "No samples in this time."
    rows = [
        (
            name.value,
            *(f"{figure:.1f}" for figure in (it.average, it.minimum, it.maximum)),
            f"{it.slope_per_minute:+.2f}",
            str(len(it.anomalies)),
        )
        for name, it in summary(window).items()
    ]
    table = plain_table(("RESOURCE", "AVERAGE %", "MINIMUM %", "MAXIMUM %", "PER MINUTE", "ANOMALIES"), rows)
    count = "1 sample" if len(samples) == 1 else f"{len(samples)} samples"
    return f"{count} from {to_rfc3339(samples[0].at)} to {to_rfc3339(samples[-1].at)}\n{table}"
