"""The choice that ExpectedCost makes: the line of steps that could be taken, the place we stand at, and where to go.

Whoever stands deeper than the line says (its last start failed, somebody else lowered it) is left out here, and
returns by the rule of restore.py when everything else is where it should be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub

from brownout.api.strategies import DecideStrategy
from brownout.core.expected_cost import Line, Prices, cheapest
from brownout.core.forecasting.path import Path
from brownout.core.member import Member
from brownout.core.restore import can_return
from brownout.core.shed import descent
from brownout.core.snapshot import Snapshot
from brownout.core.worth import value_of, weights_of

Move = tuple[Member, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`moves` from everything on to everything off; `at` of them are taken, `best` of them should be.

    `ours_percent` is memory beside the base at each place, the first with no move taken.
    """

    moves: tuple[Move, ...]
    at: int
    best: int
    path: Path
    ours_percent: tuple[float, ...]

    def targets(self) -> dict[str, int]:
        """The rung of each member that has to go down."""
        return {member.key: rung for member, rung in self.moves[self.at : self.best]}


def choose(snapshot: Snapshot) -> Choice | None:
    """The cheapest place; None where another strategy is asked for, or too little is known to weigh anything."""
    path, outlook = snapshot.outlook.path, snapshot.outlook
    if snapshot.policy.decide.strategy is not DecideStrategy.EXPECTED_COST:
        return None
    if path is None or outlook.measured_percent is None or not outlook.limit_bytes:
        return None
    moves, at = _moves(snapshot)
    line = _weighed(snapshot, moves, at)
    if line is None:
        return None
    prices = Prices(costs=snapshot.policy.decide.costs, thresholds=snapshot.policy.thresholds)
    best = cheapest(line, path, prices, at=at)
    return Choice(moves=moves, at=at, best=best, path=path, ours_percent=line.ours_percent)


def _moves(snapshot: Snapshot) -> tuple[tuple[Move, ...], int]:
    """The moves in order, and how many of them are taken."""
    goers = {member.key for member in snapshot.sheddable(emergency=False)}
    movable = tuple(member for member in snapshot.order if member.key in goers or _held(member, snapshot))
    ceilings = {member.key: snapshot.ceiling(member) for member in snapshot.spent}  # what lies above them is no choice
    line = descent(movable, from_the_top=True)
    moves = tuple(move for move in line if move[1] > ceilings.get(move[0].key, 0)) if ceilings else tuple(line)
    at = next((index for index, (member, rung) in enumerate(moves) if member.rung < rung), len(moves))
    strays = {member.key for member, rung in moves[at:] if member.rung >= rung}
    if not strays:
        return moves, at
    return tuple(move for move in moves if move[0].key not in strays), sum(
        member.key not in strays for member, _ in moves[:at]
    )


def _held(member: Member, snapshot: Snapshot) -> bool:
    """Held down by us and free to come back."""
    key = member.key
    return key not in snapshot.untouchable and key not in snapshot.left_alone and can_return(member, snapshot)


def _weighed(snapshot: Snapshot, moves: Sequence[Move], at: int) -> Line | None:
    """What each place costs in memory and in service; None where somebody's size is not known."""
    apart = [_apart_bytes(member, rung) for member, rung in moves]
    limit_bytes = snapshot.outlook.limit_bytes or 1  # without one there is no choice to make
    sizes = [100.0 * size / limit_bytes for size in apart if size is not None]
    if len(sizes) < len(apart):
        return None
    weights = weights_of({member.key: member.integration for member in snapshot.members})
    worth = [weights[member.key] * _less_value(member, rung) for member, rung in moves]
    ours = snapshot.outlook.ours_percent + snapshot.outlook.growth_percent + sum(sizes[:at])
    return Line(
        ours_percent=tuple(accumulate(sizes, sub, initial=ours)),
        lost_per_min=tuple(accumulate(worth, initial=0.0)),
        returning=(*worth, 0.0),
    )


def _apart_bytes(member: Member, rung: int) -> int | None:
    """How much less it takes at a rung than at the one above; None where either is not known."""
    above = _size_bytes(member, _above(member, rung))
    if rung >= member.ladder.off > member.rung:  # nearly all of many: what is off takes nothing
        return above
    below = _size_bytes(member, rung)
    return None if above is None or below is None else max(0, above - below)


def _less_value(member: Member, rung: int) -> float:
    """How much less of its service a rung gives than the one above."""
    above = _value(member, _above(member, rung))
    return above if rung >= member.ladder.off else above - _value(member, rung)


def _above(member: Member, rung: int) -> int:
    """The rung above on the line, on which what is unfit is passed over."""
    if not member.unfit:
        return rung - 1
    return max((one for one in range(rung) if one not in member.unfit or one == member.rung), default=0)


def _value(member: Member, rung: int) -> float:
    """What its service is worth there: of what a level promises, what its requests were seen to get."""
    worth = value_of(member.ladder, rung)
    return worth * member.record(rung).reliability() if member.records else worth


def _size_bytes(member: Member, rung: int) -> int | None:
    """What it takes at a rung; what it is measured to hold counts where it stands."""
    held = member.observed.memory_bytes
    if held is not None and rung == member.rung and member.running:
        return held
    footprint = member.footprint(rung)
    return footprint.steady_bytes if footprint.known else None
