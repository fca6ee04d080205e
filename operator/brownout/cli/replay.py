"""`brownout replay`: the same core on a recorded or given load, scored, beside its rivals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.policy import PolicySpec
from brownout.cli.given import Given
from brownout.cli.options import Since, State, chosen, print_json, since_instant
from brownout.cli.progress import progress
from brownout.cli.replay_forecast import print_forecasts
from brownout.cli.replay_plot import check_plot, draw
from brownout.cli.replay_stage import OURS, Modes, Stage, on_history, on_traces
from brownout.simulate.contest import contest
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import Record
from brownout.simulate.report import Row, documents, row_of
from brownout.simulate.rivals.roster import RIVALS
from brownout.simulate.traces import Trace

Traces = Annotated[list[Path] | None, typer.Argument(metavar="TRACE...", help="Loads: timestamp_s,value_percent.")]
_GENERATE = "A made-up base load of 25 hours, by --seed."
Generate = Annotated[Family | None, typer.Option(help=_GENERATE)]
Policies = Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Policies to run beside ours.")]
_FOLDER = "Integrations in place of the benchmark's four; beside a trace on a box of 12 GiB, or of their memoryBudget."
Folder = Annotated[Path | None, typer.Option(metavar="DIR", help=_FOLDER)]
_PLUGINS = "Folder of the plugins of --integrations; else `plugins` beside them."
PluginsFolder = Annotated[Path | None, typer.Option("--plugins", metavar="DIR", help=_PLUGINS)]
Rivals = Annotated[bool, typer.Option("--rivals", help="Run the rivals and the oracle too.")]
Steps = Annotated[Modes, typer.Option(help="A step as a tick (rough), linear in time (smooth), or both.")]
AsIs = Annotated[bool, typer.Option("--as-is", help="The values are the base load itself: do not map them.")]
Seed = Annotated[int, typer.Option(help="Seed of the noise of footprints, and of --generate.")]
Own = Annotated[bool, typer.Option("--history", help="Replay this box's own history.")]
Forecasts = Annotated[bool, typer.Option("--forecast", help="Score the forecasts, not the policies.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the first trace into a file: .svg or .png.")]
Output = Annotated[str, typer.Option("-o", "--output", metavar="table|json", help="For people or programs.")]


def replay(
    traces: Traces = None,
    generate: Generate = None,
    policy: Policies = None,
    integrations: Folder = None,
    plugins: PluginsFolder = None,
    rivals: Rivals = False,
    mode: Steps = Modes.BOTH,
    as_is: AsIs = False,
    seed: Seed = 0,
    history: Own = False,
    since: Since = "7d",
    state: State = None,
    forecast: Forecasts = False,
    plot: Plot = None,
    output: Output = "table",
) -> None:
    """Run the core on a recorded load in virtual time, and score what it did.

    Example: brownout replay --history --since 24h --rivals
    """
    chosen(output, ("table", "json"), "an output")
    _agree({"a trace": traces, "a generated load": generate, "a history": history or state}, plot)
    _agree_on_plugins(integrations, plugins)
    if forecast and (policy or integrations or rivals or plot):
        raise typer.BadParameter(
            "--forecast scores forecasts, which no policy changes: leave out what is about policies"
        )
    given, back = Given(), since_instant(since)
    found, policies = _loads(given, traces or (), generate, seed), _policies(given, policy or ())
    mine = given.planned_with(integrations, plugins) if integrations else None
    given.refuse()
    if found:
        mode, as_is = (Modes.NATIVE, True) if generate else (mode, as_is)
        stage = on_traces(found, mode, as_is=as_is, mine=mine, seed=seed)
    else:
        stage = on_history(state, since=back, mine=mine, seed=seed)
    if forecast:
        print_forecasts(stage.bases, as_json=output == "json")
        return
    rows = _run(stage, stage.in_force(policies), rivals=rivals, plot=plot)
    _print(rows, as_json=output == "json")


def _agree(loads: Mapping[str, object], plot: Path | None) -> None:
    """Options that do not go together are wrong usage: there is one kind of load."""
    there = [name for name, given in loads.items() if given]
    if len(there) != 1:
        wrong = f"{' and '.join(there)} at once" if there else "nothing to replay"
        wanted = "name TRACE..., --generate FAMILY, or --history (with --state for another folder)"
        raise typer.BadParameter(f"{wrong}: {wanted}")
    if plot is not None:
        check_plot(plot)


def _agree_on_plugins(integrations: Path | None, plugins: Path | None) -> None:
    """Where plugins lie is asked only of integrations that are read from files."""
    if plugins and not integrations:
        raise typer.BadParameter("--plugins says where the plugins of --integrations lie: name those too")


def _loads(given: Given, files: Sequence[Path], family: Family | None, seed: int) -> tuple[Trace, ...]:
    """The traces of these files, or the load that is made up."""
    return given.traces(files) if family is None else (generated(family, seed=seed),)


def _print(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        print_json(documents(rows))
        return
    from brownout.cli.replay_table import print_scores  # noqa: PLC0415 - rich is wanted only here

    print_scores(rows)


def _policies(given: Given, files: Sequence[Path]) -> Mapping[str, PolicySpec]:
    """Ours, and those of the files under their own names."""
    found = {name: policy.spec for name, policy in given.policies(files).items()}
    for name in found:
        if name in (*OURS, *RIVALS):
            given.problems.append(f"metadata.name: {name} is a name of the report: give the policy another")
    return {**OURS, **found}


def _run(stage: Stage, policies: Mapping[str, PolicySpec], *, rivals: bool, plot: Path | None) -> list[Row]:
    runs = len(policies) + (len(RIVALS) if rivals else 0)
    rows: list[Row] = []
    with progress("replaying", runs * sum(len(base.values) for base in stage.bases)) as tick:
        for number, base in enumerate(stage.bases):
            found = contest(stage.plant, base, policies, integrations=stage.integrations, rivals=rivals, on_tick=tick)
            drawn: list[Record] = []
            for record in found:
                rows.append(row_of(record))
                drawn += [record] if plot and number == 0 else []
            if plot and drawn:
                draw(plot, drawn)
    return rows
