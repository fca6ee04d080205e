"""Answers: what one rule says of a snapshot, and how it is put together from steps and a sentence."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from brownout.api.reasons import Reason
from brownout.core import owner
from brownout.core.instant import Instant
from brownout.core.plan import Step, Verdict
from brownout.core.shed import shed
from brownout.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one rule says: its verdict, why in one word and in a sentence, and the steps, if any."""

    verdict: Verdict
    reason: Reason
    message: str
    steps: tuple[Step, ...] = ()


Rule = Callable[[Snapshot, Instant], Answer | None]


def hold(reason: Reason, message: str) -> Answer:
    """Nothing is done, and why."""
    return Answer(verdict=Verdict.HOLD, reason=reason, message=message)


def carry_out(verdict: Verdict, steps: tuple[Step, ...]) -> Answer | None:
    """The steps with the first one's words; None where there are none."""
    if not steps:
        return None
    return Answer(verdict=verdict, reason=steps[0].reason, message=steps[0].message, steps=steps)


def free(snapshot: Snapshot, excess_percent: float, reason: Reason, because: str) -> Answer:
    """What has to go so that this much is free, in percent of the limit."""
    need_bytes = math.floor((snapshot.outlook.limit_bytes or 0) * excess_percent / 100.0)
    steps = shed(snapshot, need_bytes=need_bytes, reason=reason, because=because)
    if not steps:
        message = f"{because}, and nothing is left that may be lowered or disabled"
        return start_the_essential(snapshot, reason, message)
    return given_up(steps, because)


def given_up(steps: tuple[Step, ...], because: str) -> Answer:
    """Steps down with one sentence for all of them."""
    message = f"{because}: {'; '.join(step.message.removeprefix(because + ': ') for step in steps)}"
    return Answer(verdict=Verdict.SHED, reason=steps[0].reason, message=message, steps=steps)


def start_the_essential(snapshot: Snapshot, reason: Reason, message: str) -> Answer:
    """Nothing else can be done, but what must run is started whatever the load: a full box still has to serve."""
    starts = owner.first_starts(snapshot)
    steps = tuple(step for step in starts if step.key in snapshot.untouchable and step.key not in snapshot.in_flight)
    return Answer(verdict=Verdict.START if steps else Verdict.HOLD, reason=reason, message=message, steps=steps)
