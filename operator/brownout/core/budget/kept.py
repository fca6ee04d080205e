"""A run as it is kept, with the sessions that have it open: how it is joined, used, left and ended. Pure.

Stores load one of these, change it here and write it back, so that all of them follow the same rules. Whether a session
lives is for the store to say (`lives`): it knows its processes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Ending, NoSuchRun, RunRecord
from brownout.core.budget.spans import Span, covered_s, folded
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.instant import Instant

# A session that was taken for dead and gives a sign of life after all: from then on it has to give them this often.
REVIVED_LEASE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One process that has a run open. With a lease it lives while signs of life come at least that often."""

    number: int
    opened_at: Instant
    seen_at: Instant
    lease_s: float | None = None


def lease_holds(session: Session, now: Instant) -> bool:
    """Whether the last sign of life is as recent as the lease asks; True without a lease."""
    return session.lease_s is None or now - session.seen_at <= session.lease_s


Lives = Callable[[Session], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run (`usage.elapsed_s` and `sessions` unset), the time of sessions that are over, and those that are not."""

    run: RunRecord
    covered: tuple[Span, ...] = ()
    sessions: tuple[Session, ...] = ()

    def at(self, now: Instant, lives: Lives, session: int | None = None) -> RunRecord:
        """The run as of now: every session counts until its last sign of life, `session` until now.

        Others that live are not counted until now, because they may die before they say so, and time never falls.
        """
        spans = [Span(each.opened_at, now if each.number == session else each.seen_at) for each in self.sessions]
        usage = replace(self.run.usage, elapsed_s=covered_s((*self.covered, *spans)))
        return replace(self.run, usage=usage, sessions=sum(1 for each in self.sessions if lives(each)))


def begun(number: int, name: str, limits: Limits, now: Instant) -> KeptRun:
    """A new run that nobody has open yet."""
    return KeptRun(run=RunRecord(id=number, name=name, limits=limits, opened_at=now, seen_at=now))


def joined(kept: KeptRun, session: Session, lives: Lives) -> KeptRun:
    """With one more session; those that are dead are over. A run that had been stopped is open again."""
    living = swept(kept, lives)
    run = replace(living.run, seen_at=max(kept.run.seen_at, session.seen_at), ended_at=None, stopped_by=None)
    if kept.run.ended:
        run = replace(run, stop_asked_at=None)
    # It asked before it was its turn to write, maybe before another had begun the run: no time before that counts.
    here = replace(session, opened_at=max(session.opened_at, run.opened_at))
    return replace(living, run=run, sessions=(*living.sessions, here))


def used(kept: KeptRun, more: Usage, now: Instant, session: int | None = None) -> KeptRun:
    """With more tokens and calls; for a session it is a sign of life, unless the run has ended."""
    counted = replace(more, elapsed_s=0.0)
    run = replace(kept.run, usage=kept.run.usage + counted, seen_at=max(kept.run.seen_at, now))
    if session is None or kept.run.ended:
        return replace(kept, run=run)
    if session not in {each.number for each in kept.sessions}:
        back = Session(number=session, opened_at=now, seen_at=now, lease_s=REVIVED_LEASE_S)
        return replace(kept, run=run, sessions=(*kept.sessions, back))
    return replace(kept, run=run, sessions=tuple(_seen(each, now, session) for each in kept.sessions))


def swept(kept: KeptRun, lives: Lives) -> KeptRun:
    """Without the sessions that are dead; their time until their last sign of life is kept."""
    dead = [Span(each.opened_at, each.seen_at) for each in kept.sessions if not lives(each)]
    living = tuple(each for each in kept.sessions if lives(each))
    return replace(kept, covered=folded((*kept.covered, *dead)), sessions=living)


def left(kept: KeptRun, session: int, now: Instant, ending: Ending | None, lives: Lives) -> KeptRun:
    """Without that session; ended where an ending is given and no other session lives."""
    told = kept if kept.run.ended else used(kept, NOTHING_USED, now, session)
    rest = swept(told, lambda each: each.number != session and lives(each))
    return finished(rest, now, ending) if ending and not rest.sessions else rest


def finished(kept: KeptRun, now: Instant, ending: Ending) -> KeptRun:
    """Ended, unless it has ended before: then nothing changes. The time of all sessions ends at their last sign."""
    if kept.run.ended:
        return kept
    rest = swept(kept, lambda _: False)
    run = replace(rest.run, ended_at=max(now, rest.run.opened_at), stopped_by=ending)
    return replace(rest, run=run)


def asked_to_stop(kept: KeptRun, now: Instant, lives: Lives) -> KeptRun:
    """Asked to stop; where nobody lives who could hear it, ended."""
    if kept.run.ended:
        return kept
    asked = replace(kept, run=replace(kept.run, stop_asked_at=now))
    return asked if any(lives(each) for each in kept.sessions) else finished(asked, now, Ending.STOPPED_ON_REQUEST)


def resumable(newest: KeptRun | None, name: str) -> KeptRun:
    """The newest run of a name itself. Raises NoSuchRun where there is none, or nothing is left to continue."""
    if newest is None:
        raise NoSuchRun(f'there is no run "{name}" to resume', advice="begin it without resume")
    if newest.run.stopped_by in (Ending.COMPLETED, Ending.RENEWED):
        over = "was completed" if newest.run.stopped_by is Ending.COMPLETED else "is over with its window"
        raise NoSuchRun(f'the last run "{name}" {over}', advice="begin a new one, without resume")
    return newest


def _seen(session: Session, now: Instant, number: int) -> Session:
    return replace(session, seen_at=max(session.seen_at, now)) if session.number == number else session
