"""`brownout compare`: what other policies would have made of one's own history, in one sentence each."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy, PolicySpec
from brownout.api.strategies import DecideStrategy
from brownout.bootstrap.settings import default_state
from brownout.cli.given import Declared, Given
from brownout.cli.options import GatewayToken, Json, Since, State, chosen, print_json, since_instant
from brownout.cli.progress import progress
from brownout.cli.replay_stage import OURS, Stage, on_history
from brownout.cli.running_shadows import print_running
from brownout.core.tiers import thresholds_in_force
from brownout.local.remembering import directory_of
from brownout.local.status import read_policy
from brownout.simulate.advice import differences, differing, sentence
from brownout.simulate.comparison import Comparison
from brownout.simulate.comparison import compare as compared
from brownout.simulate.contest import contest


def compare(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder with the policies. Absent: the controller's own.")
    ] = None,
    policy: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Further policies to compare.")] = None,
    since: Since = "7d",
    seed: Annotated[int, typer.Option(help="Seed of the noise of footprints, and of the interval.")] = 0,
    state: State = None,
    running: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask a running controller how its shadows fare, by its gateway.")
    ] = None,
    token_file: GatewayToken = None,
    output: Json = "",
) -> None:
    """Say which policy would have been better on this box's own history, and what to change to get it.

    Example: brownout compare --since 7d --policy what-if.yaml
    """
    chosen(output, ("", "json"), "an output")
    if running is not None:
        print_running(running, token_file, as_json=output == "json")
        return
    back, folder, given = since_instant(since), state or default_state(), Given()
    declared = _declared(given, directory, folder)
    others = _others(given, declared, policy or ())
    given.refuse()
    live = declared.policy or read_policy(folder) or DEFAULT_POLICY
    own = Declared(integrations=declared.integrations) if declared.integrations else None
    stage = on_history(folder, since=back, mine=own, seed=seed)
    policies = {live.name: _ruling(live), **(others or _alternative(live.spec))}
    _print(live, policies, _compared(stage, policies, seed=seed), as_json=output == "json")


def _declared(given: Given, directory: Path | None, state: Path) -> Declared:
    """What the directory declares. What is wrong in one that nobody has named is told, and the rest counts."""
    if directory is not None:
        return given.declared([directory])
    remembered = directory_of(state)
    if remembered is None:
        return Declared()
    aside = Given()
    found = aside.declared([remembered])
    sys.stderr.writelines(f"note: {problem}\n" for problem in aside.problems)
    return found


def _others(given: Given, declared: Declared, files: Sequence[Path]) -> Mapping[str, PolicySpec]:
    """The shadow policies of the directory, and those of the files."""
    named = given.policies(files)
    ruling = declared.policy.name if declared.policy else DEFAULT_POLICY.name
    given.problems += [
        f"a policy named {name} stands in the folder already" for name in named if name in declared.shadows
    ]
    if ruling in named:
        given.problems.append(f"metadata.name: {ruling} is the live policy: give the other one another name")
    return {name: each.spec for name, each in {**declared.shadows, **named}.items()}


def _ruling(live: BrownoutPolicy) -> PolicySpec:
    """The live policy with the thresholds of the tier that its status names."""
    return live.spec.model_copy(update={"thresholds": thresholds_in_force(live)})


def _alternative(live: PolicySpec) -> Mapping[str, PolicySpec]:
    """Where no other policy is declared: the live one with the strategies that it does not have."""
    name = "thresholds" if live.decide.strategy is DecideStrategy.EXPECTED_COST else "expected-cost"
    ours = OURS[name]
    decide = live.decide.model_copy(update={"strategy": ours.decide.strategy})
    sys.stderr.write(f"note: no other policy is declared, so this one is compared with the strategies of {name}\n")
    return {name: live.model_copy(update={"decide": decide, "restore": ours.restore})}


def _compared(stage: Stage, policies: Mapping[str, PolicySpec], *, seed: int) -> list[Comparison]:
    (base,) = stage.bases
    with progress("comparing", len(policies) * len(base.values)) as tick:
        live, *others = contest(
            stage.plant,
            base,
            stage.in_force(policies),
            integrations=stage.integrations,
            rivals=False,
            on_tick=tick,
        )
    among = differing(policies[live.contender], policies)
    return [compared(live, other, seed=seed, among=among) for other in others]


def _print(
    live: BrownoutPolicy, policies: Mapping[str, PolicySpec], found: Sequence[Comparison], *, as_json: bool
) -> None:
    changes = {each.policy: differences(live.spec, policies[each.policy]) for each in found}
    if as_json:
        print_json({"live": live.name, "rows": [_document(each, changes[each.policy]) for each in found]})
        return
    sys.stdout.writelines(f"{sentence(each, changes[each.policy])}\n" for each in found)


def _document(found: Comparison, changes: tuple[tuple[str, str | None], ...]) -> dict[str, Any]:
    figures = _rounded(asdict(found))
    return {**figures, "set": dict(changes), "sentence": sentence(found, changes)}


def _rounded(value: Any) -> Any:
    """Figures to four places, as the other reports have them."""
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
