"""The stage of a replay: which base loads, on which box, with which integrations."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.cli.given import Declared
from brownout.cli.own_history import own_history
from brownout.core.errors import InvalidInput
from brownout.core.tiers import Hardware, in_force
from brownout.simulate.ours import LIMIT_BYTES
from brownout.simulate.plant import Plant
from brownout.simulate.things import declared, things_of, unsized
from brownout.simulate.traces import (
    TICKS_A_DAY,
    Base,
    Mode,
    Trace,
    Unfit,
    base_as_it_is,
    base_of,
    interpolated,
    ticks_of,
)

#: Ours, by the names of the report: the requirement to the letter, and what can be chosen in its place.
OURS: Mapping[str, PolicySpec] = {
    "thresholds": PolicySpec(),
    "expected-cost": PolicySpec.model_validate(
        {"decide": {"strategy": "ExpectedCost"}, "restore": {"strategy": "WhenItFits"}}
    ),
}

#: Five weeks, as much as is read of a history: two minutes for a policy, and 100 MB.
MOST_TICKS = 100_000


class Modes(StrEnum):
    """How a step of a trace becomes ticks of 30 s."""

    NATIVE = "native"
    INTERP = "interp"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Base loads, the box that meets them, and the integrations on it; none: as the plant's things declare them."""

    bases: tuple[Base, ...]
    plant: Plant
    integrations: tuple[Integration, ...] = ()
    limit_bytes: int | None = LIMIT_BYTES

    def in_force(self, policies: Mapping[str, PolicySpec]) -> Mapping[str, PolicySpec]:
        """The policies with the thresholds of the tier for this much memory; of cores and GPU nothing is known here."""
        hardware = Hardware(memory_bytes=self.limit_bytes)
        return {name: in_force(policy, hardware) for name, policy in policies.items()}


def on_traces(traces: Sequence[Trace], modes: Modes, *, as_is: bool, mine: Declared | None, seed: int) -> Stage:
    """The stage of given loads. What cannot be mapped is told on standard error; InvalidInput where nothing is left."""
    wanted = list(Mode) if modes is Modes.BOTH else [Mode(modes.value)]
    bases = [base for trace in traces for base in _bases(trace, wanted, as_is=as_is)]
    if not bases:
        raise InvalidInput("no trace is left to replay", advice="--as-is takes the values as they are")
    if mine is None:
        return Stage(bases=tuple(bases), plant=Plant(seed=seed))
    limit = _limit_bytes(mine)
    if unknown := unsized(mine.integrations, limit):
        names = ", ".join(sorted(unknown))
        raise InvalidInput(
            f"nobody says how much memory {names} takes", advice="set spec.memory, or that of each level"
        )
    things = things_of(mine.integrations, limit)
    if not things:
        raise InvalidInput("no integration that is wanted on is declared", advice="leave out --integrations")
    return Stage(
        bases=tuple(bases),
        plant=Plant(things=things, seed=seed),
        integrations=declared(mine.integrations, things),
        limit_bytes=limit,
    )


def _limit_bytes(mine: Declared) -> int:
    """How large the box of a load from elsewhere is: what a budget says, and not what this machine happens to have."""
    budget = mine.policy.spec.memory_budget if mine.policy else None
    if budget is None:
        another = "spec.memoryBudget of a policy named default, beside the integrations, would say another"
        sys.stderr.write(f"note: a box of {LIMIT_BYTES // 2**30} GiB is assumed: {another}\n")
    return budget or LIMIT_BYTES


def on_history(state: Path | None, *, since: float, mine: Declared | None, seed: int) -> Stage:
    """The stage of one's own history."""
    own = own_history(state, since=since, integrations=mine.integrations if mine else None)
    for note in own.notes:
        sys.stderr.write(f"note: {note}\n")
    return Stage(
        bases=(own.record.base(),),
        plant=Plant(things=own.things, seed=seed),
        integrations=own.integrations,
        limit_bytes=own.limit_bytes,
    )


def _bases(trace: Trace, modes: Sequence[Mode], *, as_is: bool) -> list[Base]:
    found = [_as_it_is(trace, mode) if as_is else base_of(trace, mode) for mode in modes]
    unfit = next((each for each in found if isinstance(each, Unfit)), None)
    if unfit is not None:
        sys.stderr.write(f"note: {unfit.name} is left out: {unfit.why}\n")
    return [each for each in found if isinstance(each, Base)]


def _as_it_is(trace: Trace, mode: Mode) -> Base:
    ticks = len(trace.values) if mode is Mode.NATIVE else ticks_of(trace.values, trace.step_s)
    if ticks > MOST_TICKS:
        days = f"{ticks / TICKS_A_DAY:.0f}" if ticks < 10**9 else f"{ticks / TICKS_A_DAY:.0e}"
        raise InvalidInput(
            f"{trace.name} is {days} days of ticks long ({mode}): as they are at most {MOST_TICKS} ticks are replayed",
            advice="cut a part out of it, or leave out --as-is: then its middle is taken",
        )
    if mode is Mode.NATIVE:
        return base_as_it_is(trace)
    return Base(name=trace.name, mode=mode, values=interpolated(trace.values, trace.step_s))
