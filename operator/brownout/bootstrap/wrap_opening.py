"""The run that a program is wrapped in: begun or continued; refused where another has it, or nothing is left of it."""

from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.core.budget.assessment import BudgetState
from brownout.core.budget.document import limits_from
from brownout.core.budget.run import RunRecord
from brownout.core.budget.summary import named
from brownout.core.errors import AlreadyRunning, InvalidInput
from brownout.core.instant import Instant
from brownout.engine.budgets import BudgetStore, Held
from brownout.local.foreground import Tree

__all__ = ["leftovers", "opened"]


def opened(store: BudgetStore, settings: WrapSettings, *, now: Instant) -> Held:
    """The run. Raises AlreadyRunning for a name in use, InvalidInput for one that cannot be begun or continued."""
    known = next(iter(store.runs(now=now, name=settings.name, most=1)), None)
    if known is not None and known.sessions:
        raise AlreadyRunning(
            f'a run named "{settings.name}" is open now', advice="choose another --name, or wait until it ends"
        )
    if settings.resume:
        return _resumed(store, settings, now=now)
    if known is not None and known.interrupted:
        advice = "continue it with --resume, or choose another --name"
        raise InvalidInput(f'a run named "{settings.name}" was interrupted', advice=advice)
    return store.open(settings.name, limits_from(settings.limits), now=now)


def leftovers(tree: Tree, run: RunRecord) -> None:
    """Raises AlreadyRunning where processes of this run live on from before."""
    if found := tree.members(None):
        pids = ", ".join(str(process.pid) for process in found)
        raise AlreadyRunning(
            f'processes of the run "{run.name}" still live ({pids})',
            advice="they are being ended: try again in a moment",
        )


def _resumed(store: BudgetStore, settings: WrapSettings, *, now: Instant) -> Held:
    held = store.resume(settings.name, now=now)
    run = held.run
    if settings.limits:
        run = store.set_limits(run.id, limits_from(settings.limits, over=run.limits), now=now)
    assessment = run.assessment()
    if assessment.state is BudgetState.EXCEEDED:
        store.leave(run.id, held.session, now=now, ending=None)
        raise InvalidInput(
            f'nothing is left of the budget of "{run.name}": the limit of {named(assessment.exceeded)} is reached',
            advice="raise it: give a higher limit with --resume, or use `brownout budget raise`",
        )
    return Held(run=run, session=held.session, joined=held.joined)
