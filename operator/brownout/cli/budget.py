"""`brownout budget`: runs under a budget, begun, looked at, given more, and stopped."""

import sys
from typing import Annotated

import typer

from brownout.cli.budget_options import ApiCalls, Duration, Name, TokenFile, Tokens
from brownout.cli.budget_run import limits_of, run
from brownout.cli.budget_source import budgets_of
from brownout.cli.helptext import Command, Group
from brownout.cli.options import Json, Server, State, chosen, notes_of, now, print_json
from brownout.core.budget.assessment import Line
from brownout.core.budget.document import limits_from, run_document
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import RunRecord
from brownout.core.budget.summary import amount, ending_text, summary
from brownout.core.errors import InvalidInput
from brownout.core.table import plain_table
from brownout.core.wording import duration as age

budget = typer.Typer(
    cls=Group,
    name="budget",
    help="Runs of work with limits on time, tokens and API calls.\n\n"
    "Example: brownout budget run --tokens 10000 -- python agent.py",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# What follows the program belongs to it, also without `--`.
budget.command("run", cls=Command, context_settings={"allow_interspersed_args": False})(run)


@budget.command("list", cls=Command)
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=10000, help="At most so many runs.")] = 100,
    output: Json = "",
    state: State = None,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """List the runs, newest first.

    Example: brownout budget list
    """
    chosen(output, ("", "json"), "an output")
    source = budgets_of(state=state, server=server, token_file=token_file)
    runs = source.runs(most=limit)
    notes_of(source)
    if output == "json":
        print_json({"items": [run_document(each) for each in runs]})
        return
    sys.stdout.write(f"{_table(runs)}\n" if runs else "No runs.\n")


@budget.command("show", cls=Command)
def show_run(
    name: Name, output: Json = "", state: State = None, server: Server = None, token_file: TokenFile = None
) -> None:
    """Show what a run has used, what is left, and what stopped it.

    Example: brownout budget show nightly
    """
    chosen(output, ("", "json"), "an output")
    source = budgets_of(state=state, server=server, token_file=token_file)
    found = source.run(name)
    notes_of(source)
    _print(found, output)


@budget.command("raise", cls=Command)
def raise_limits(
    name: Name,
    duration: Duration = None,
    tokens: Tokens = None,
    api_calls: ApiCalls = None,
    output: Json = "",
    state: State = None,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Give a run higher limits, also while it runs.

    Example: brownout budget raise nightly --tokens 2000000
    """
    chosen(output, ("", "json"), "an output")
    given = limits_of(duration, tokens, api_calls)
    if not given:
        raise typer.BadParameter("nothing to raise is given: use --duration, --tokens or --api-calls")
    source = budgets_of(state=state, server=server, token_file=token_file)
    found = source.run(name)
    _print(source.change_limits(found, _higher(found, given)), output)


@budget.command("stop", cls=Command)
def stop_run(
    name: Name, output: Json = "", state: State = None, server: Server = None, token_file: TokenFile = None
) -> None:
    """Ask a run to stop gracefully, with its partial results.

    Example: brownout budget stop nightly
    """
    chosen(output, ("", "json"), "an output")
    source = budgets_of(state=state, server=server, token_file=token_file)
    found = source.run(name)
    if found.ended:
        raise InvalidInput(f'the run "{name}" is over: {ending_text(found, found.assessment())}')
    _print(source.stop(found), output)


def _print(found: RunRecord, output: str) -> None:
    if output == "json":
        print_json(run_document(found))
    else:
        sys.stdout.write(f"{summary(found)}\n")


def _higher(found: RunRecord, given: dict[str, object]) -> dict[str, object]:
    """The limits that are given. Raises InvalidInput, with every one that is not above what it is now."""
    new = limits_from(given)
    problems = []
    for measure in Measure:
        before, after = found.limits.of(measure), new.of(measure)
        if after is not None and before is None:
            problems.append(f"{measure} has no limit, so there is nothing to raise")
        elif after is not None and before is not None and after <= before:
            problems.append(f"{measure}: {amount(measure, after)} is not above the {amount(measure, before)} it has")
    if problems:
        raise InvalidInput("; ".join(problems))
    return given


def _table(runs: tuple[RunRecord, ...]) -> str:
    rows = [
        (
            each.name,
            each.stopped_by or ("Interrupted" if each.interrupted else "Open"),
            str(each.assessment().state),
            *(_cell(measure, line) for measure, line in each.assessment().lines.items()),
            str(each.checkpoints),
            age(max(0.0, now() - each.opened_at)),
        )
        for each in runs
    ]
    return plain_table(("NAME", "STATUS", "STATE", "TIME", "TOKENS", "API CALLS", "CHECKPOINTS", "AGE"), rows)


def _cell(measure: Measure, line: Line) -> str:
    """`812,000 of 1,000,000`."""
    of = "" if line.limit is None else f" of {amount(measure, line.limit)}"
    return f"{amount(measure, line.used)}{of}"
