"""Steps that prices ask for, with their sentences: what ExpectedCost does once the place to go to is known."""

from dataclasses import replace

from brownout.api.reasons import Reason
from brownout.core import explain
from brownout.core.choice import Choice
from brownout.core.expected_cost import REACH, expected_minutes
from brownout.core.instant import Instant
from brownout.core.member import Member
from brownout.core.plan import Step
from brownout.core.restore import Waiting, does_not_fit, step_up
from brownout.core.room import spoken_for
from brownout.core.shed import steps_down
from brownout.core.snapshot import Snapshot
from brownout.core.wording import duration, threshold

# Undone returns in a row after which patience grows no more: thirty settle times.
_MOST_PATIENT = 4


def give_up(snapshot: Snapshot, choice: Choice) -> tuple[tuple[Step, ...], str]:
    """The steps down to the best place, and why."""
    measured, limit = snapshot.outlook.measured_percent, snapshot.policy.thresholds.disable
    reason = Reason.FORECAST_ABOVE_THRESHOLD if (measured or 0.0) < limit else Reason.ABOVE_THRESHOLD
    because = f"{_expected(snapshot, choice, choice.at)}, which costs more than to go without"
    members = tuple({member.key: member for member, _ in choice.moves}.values())
    return steps_down(members, choice.targets(), reason=reason, because=because), because


def take_back(snapshot: Snapshot, choice: Choice, *, now: Instant) -> Step | Waiting:
    """The next step back, or why it waits: one at a time, and after a return that had to be undone with patience.

    However cheap, it must fit beside what is measured now: at 81 % another point makes little difference to the price,
    but the owner asked for returns that fit, and what does not fit goes again as soon as it would help.
    """
    member, _ = choice.moves[choice.at - 1]
    ready_at = _ready_at(snapshot, member)
    if now < ready_at:
        message = f"{explain.ram(snapshot.outlook)}: {member.name} waits {duration(ready_at - now)} more"
        return Waiting(member=member, reason=Reason.STABILIZING, message=message)
    rung = member.next_rung_up()
    takes_percent = snapshot.outlook.percent_of(member.takes_bytes(rung) or 0)
    measured = snapshot.outlook.measured_percent or 0.0
    room = spoken_for(snapshot, member, top_percent=measured)
    if measured + takes_percent + snapshot.outlook.percent_of(room.size_bytes) >= snapshot.policy.thresholds.disable:
        message = does_not_fit(snapshot, member, rung, room=room)
        return Waiting(member=member, reason=Reason.DOES_NOT_FIT, message=message)
    step = step_up(snapshot, member, rung)
    because = f"{_expected(snapshot, choice, choice.at - 1)} with {member.name}, which costs less than to go without"
    return replace(step, message=f"{because}: {explain.done(step.action, member, to_rung=rung)} again")


def why_not(snapshot: Snapshot, choice: Choice) -> str:
    """Why what is next to return stays where it is."""
    member, _ = choice.moves[choice.at - 1]
    minutes = _over(snapshot, choice, choice.at - 1)
    seen = explain.ram(snapshot.outlook)
    return f"{seen}: {member.name} waits; with it {minutes}, which costs more than to go without"


def _ready_at(snapshot: Snapshot, member: Member) -> Instant:
    """When the last return has settled: before that its memory is not measured, and the next would be weighed wrongly.

    Prices need no other wait, but a return that had to be undone says that they were wrong: then two settle times, six
    after the second in a row, fourteen after the third, thirty at most. The whole of the usual wait would cost 3
    (rough load) to 7 %.
    """
    stabilization = snapshot.policy.stabilization
    undone = min(member.undone, _MOST_PATIENT)
    patient_at = snapshot.last_shed_at + 2.0 * stabilization.settle * (2**undone - 1) if undone else 0.0
    return max(snapshot.last_return_at + stabilization.settle, patient_at)


def _expected(snapshot: Snapshot, choice: Choice, place: int) -> str:
    """`RAM 78.9 %, and 2.1 min of the next 4 min are expected over 80 %`."""
    return f"{explain.ram(snapshot.outlook)}, and {_over(snapshot, choice, place)}"


def _over(snapshot: Snapshot, choice: Choice, place: int) -> str:
    limit = snapshot.policy.thresholds.disable
    minutes = expected_minutes(choice.path, limit - choice.ours_percent[place])
    ahead = duration(REACH * choice.path.steps * choice.path.step_s)
    return f"{minutes:.1f} min of the next {ahead} are expected over {threshold(limit)}"
