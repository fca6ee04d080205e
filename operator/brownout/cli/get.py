"""`brownout get`: the table that `kubectl get` gives, from whichever home there is."""

import json
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from brownout.api.policy import BrownoutPolicy
from brownout.api.quantities import format_duration
from brownout.bootstrap.settings import HomeMode
from brownout.cli.options import GatewayToken, Kubeconfig, Mode, Server, State, chosen, notes_of, now
from brownout.cli.source import Source, source_of
from brownout.core.errors import InvalidInput
from brownout.core.instant import Instant
from brownout.core.table import integration_table, place, plain_table
from brownout.core.tiers import thresholds_in_force
from brownout.disk.documents import dump_yaml

INTEGRATION_WORDS = ("integrations", "integration", "intg")
POLICY_WORDS = ("policy", "policies", "brownoutpolicies", "brownoutpolicy", "bpol")
WATCH_S = 1.0

Answer = Callable[[Instant], str]
"""What is shown, as of an instant: SINCE counts from it."""


class Output(StrEnum):
    """How the answer is printed."""

    TABLE = ""
    WIDE = "wide"
    YAML = "yaml"
    JSON = "json"
    NAME = "name"


def get(
    kind: Annotated[str, typer.Argument(metavar="integrations|policy", help="What to show.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="wide|yaml|json|name", help="Another form than the table.")
    ] = "",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Print again whenever it changes.")] = False,
    state: State = None,
    server: Server = None,
    token_file: GatewayToken = None,
    mode: Mode = HomeMode.AUTO,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show integrations or the policy with their state.

    Example: brownout get integrations -o wide
    """
    chosen(kind, INTEGRATION_WORDS + POLICY_WORDS, "something to get", shown=("integrations", "policy"))
    form = Output(chosen(output, tuple(Output), "an output"))
    source = source_of(state=state, server=server, token_file=token_file, mode=mode, kubeconfig=kubeconfig)
    notes_of(source)
    ask = _integrations if kind in INTEGRATION_WORDS else _policy
    if watch:
        _watch(lambda: ask(source, name, form))
    else:
        sys.stdout.write(ask(source, name, form)(now()) + "\n")


def _watch(ask: Callable[[], Answer]) -> None:
    """Print what is new until Ctrl-C. That time goes by is not: answers are compared as of one and the same instant."""
    shown = ""
    while True:
        answer = ask()
        if answer(0.0) != shown:
            sys.stdout.write(answer(now()) + "\n\n")
            sys.stdout.flush()
            shown = answer(0.0)
        time.sleep(WATCH_S)  # noqa: TID251 - a terminal waits here, and nothing else does


def _integrations(source: Source, name: str | None, form: Output) -> Answer:
    found = source.integrations()
    if name is not None:
        found = tuple(each for each in found if each.name == name)
        if not found:
            known = ", ".join(sorted(each.name for each in source.integrations())) or "none"
            raise InvalidInput(f'there is no integration "{name}"', advice=f"known are: {known}")
    if form in (Output.TABLE, Output.WIDE):
        rows = sorted(found, key=place)
        return lambda at: integration_table(rows, now=at, wide=form is Output.WIDE)
    if form is Output.NAME:
        return _timeless("\n".join(f"integration.brownout.dev/{each.name}" for each in found))
    return _timeless(_document(found[0].to_wire() if name else _list([each.to_wire() for each in found]), form))


def _policy(source: Source, name: str | None, form: Output) -> Answer:
    policy = source.policy()
    if name not in (None, policy.metadata.name):
        raise InvalidInput(f'there is no policy "{name}"', advice=f"the one in force is {policy.metadata.name}")
    if form is Output.NAME:
        return _timeless(f"brownoutpolicy.brownout.dev/{policy.metadata.name}")
    if form in (Output.TABLE, Output.WIDE):
        return _timeless(_policy_table(policy, wide=form is Output.WIDE))
    return _timeless(_document(policy.to_wire(), form))


def _timeless(text: str) -> Answer:
    """An answer in which nothing counts on by itself."""
    return lambda _at: text


def _policy_table(policy: BrownoutPolicy, *, wide: bool) -> str:
    status = policy.status
    left = status.time_to_disable if status else None
    row: tuple[str, ...] = (
        policy.metadata.name,
        policy.spec.mode.value,
        _percent(status.memory_percent if status else None),
        _percent(status.forecast_percent if status else None),
        (status.model if status else None) or "",
        format_duration(left) if left is not None else "",
    )
    header: tuple[str, ...] = ("NAME", "MODE", "MEMORY", "FORECAST", "MODEL", "TIME-TO-DISABLE")
    if not wide:
        return plain_table(header, [row])
    header += ("NODE", "TIER", "DISABLE", "ENABLE", "EMERGENCY")
    return plain_table(header, [(*row, *_wide(policy))])


def _wide(policy: BrownoutPolicy) -> tuple[str, ...]:
    """The node, the tier and the thresholds in force."""
    status, limits = policy.status, thresholds_in_force(policy)
    edges = (_percent(limit) for limit in (limits.disable, limits.enable, limits.emergency))
    return ((status.node if status else None) or "", (status.tier if status else None) or "", *edges)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "brownout.dev/v1alpha1", "kind": "IntegrationList", "items": items}


def _document(document: dict[str, Any], form: Output) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) if form is Output.JSON else dump_yaml(document).rstrip()
