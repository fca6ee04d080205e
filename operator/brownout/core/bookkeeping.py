"""Bookkeeping: what a step that was carried out, failed or was stale changes in the ledger."""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from brownout.api.policy import Stabilization
from brownout.core.instant import Instant
from brownout.core.ledger import Failures, Ledger, Said
from brownout.core.member import BUDGET_REASONS, Hold
from brownout.core.patience import MOST_UNDONE, on_trial
from brownout.core.plan import Action, Step
from brownout.core.settle import Pending

# After a failed step: 5, 10, 20 ... s, at most 5 min. A stale one is tried again after 0.1, 0.2, 0.4 ... s: it is no
# fault of the workload, and at the next tick, 0.2 s later, it is its turn again and not that of the next one in order;
# but a plan that is stale every time must not spin either.
FAILED_REST_S = 5.0
STALE_REST_S = 0.1
LONGEST_REST_S = 300.0


def woken(ledger: Ledger, keys: Iterable[str], *, now: Instant) -> Ledger:
    """The ledger after some that were asleep were let start: what is measured of them now is that of a start."""
    return replace(ledger, moved=MappingProxyType({**ledger.moved, **dict.fromkeys(keys, now)}))


def shed_done(  # noqa: PLR0913 - the facts of one step that was carried out, each by its name
    ledger: Ledger,
    step: Step,
    *,
    now: Instant,
    stabilization: Stabilization,
    measured: bool,
    replicas_before: int | None,
    began: Instant | None = None,
) -> Ledger:
    """The ledger after a step down was carried out. `measured`: the driver measures this workload's memory.

    `began` is when the step began, where that is long before now: a graceful stop frees memory before it ends.
    """
    held = ledger.holds.get(step.key)
    hold = Hold(
        rung=step.to_rung,
        since=now,
        reason=step.reason,
        message=step.message,
        undone=undone_in_a_row(ledger, step, now=now, stabilization_s=stabilization.enable),
        replicas_before=held.replicas_before if held and held.replicas_before is not None else replicas_before,
    )
    ledger = replace(
        ledger,
        holds=MappingProxyType({**ledger.holds, step.key: hold}),
        moved=MappingProxyType({**ledger.moved, step.key: now}),
    )
    if hold.by_owner or hold.by_budget or (step.delta_bytes == 0 and step.leaves_bytes is None):
        return ledger
    used = _used_before(ledger, now if began is None else began)
    pending = _pending(ledger, step, now=now, settle_s=stabilization.settle, used=used, learns=not measured)
    since = ledger.forecast_since if measured else now + stabilization.settle
    return replace(ledger, pending=pending, last_shed_at=now, forecast_since=since)


def undone_in_a_row(ledger: Ledger, step: Step, *, now: Instant, stabilization_s: float) -> int:
    """How many returns of ours in a row did not last, with that which this step down undoes; 0 after one that did.

    A member that goes further down without having returned in between keeps the count that it has. So does one that
    its budget takes down: the return was right, and what ended it is no memory.
    """
    held, back = ledger.holds.get(step.key), ledger.returned.get(step.key)
    if step.reason in BUDGET_REASONS or (held is not None and (back is None or held.since > back[0])):
        return held.undone if held else 0
    if back is not None and on_trial(back[0], now=now, stabilization_s=stabilization_s):
        return min(MOST_UNDONE, back[1] + 1)
    return 0


def _used_before(ledger: Ledger, began: Instant) -> int | None:
    """Bytes in use when a step began: the newest look that is not younger, where there is one."""
    looks = [sample for sample in (*ledger.window.samples, ledger.sample) if sample is not None]
    before = [sample for sample in looks if sample.at <= began] or looks
    return before[-1].memory_used_bytes if before else None


def _pending(
    ledger: Ledger, step: Step, *, now: Instant, settle_s: float, used: int | None, learns: bool
) -> Pending | None:
    """What to wait for. Several steps of one plan are waited for together: their effects add up.

    Only a step by itself is learned from, and one to a lower level only where that level's size is known.
    """
    if used is None:
        return None
    before = ledger.pending.used_before_bytes if ledger.pending else used
    earlier = ledger.pending.expected_bytes if ledger.pending else 0
    expected = None if earlier is None or step.delta_bytes is None else earlier - step.delta_bytes
    leaves = 0 if step.action is Action.DISABLE else step.leaves_bytes
    return Pending(
        key=step.key,
        rung=step.from_rung,
        at=now,
        deadline=now + settle_s,
        used_before_bytes=before,
        expected_bytes=expected,
        learns=learns and ledger.pending is None and leaves is not None,
        leaves_bytes=leaves or 0,
    )


def return_done(ledger: Ledger, step: Step, *, now: Instant, measured: bool, settle_s: float) -> Ledger:
    """The ledger after a step up, a first start, or a start anew on the rung where it stands, was carried out."""
    holds, returned = dict(ledger.holds), dict(ledger.returned)
    held = holds.get(step.key)
    if held is not None and step.to_rung < held.rung:
        del holds[step.key]
        if step.to_rung > 0:
            holds[step.key] = replace(held, rung=step.to_rung, since=now, message=step.message)
        if not held.by_owner:
            returned[step.key] = (now, held.undone)
    return replace(
        ledger,
        holds=MappingProxyType(holds),
        returned=MappingProxyType(returned),
        moved=MappingProxyType({**ledger.moved, step.key: now}),
        last_return_at=now,
        forecast_since=ledger.forecast_since if measured else now + settle_s,
    )


def said(ledger: Ledger, key: str, words: Said) -> Ledger:
    """The ledger after a decision about one integration was carried out, or could not be."""
    return replace(ledger, said=MappingProxyType({**ledger.said, key: words}))


def failed(ledger: Ledger, key: str, *, now: Instant, first_rest_s: float) -> Ledger:
    """The ledger after a step that did not happen: the next try waits twice as long as the last.

    Failures that nobody has tried to repeat for the longest rest are past.
    """
    last = ledger.failures.get(key)
    count = last.count + 1 if last is not None and now - last.until <= LONGEST_REST_S else 1
    rest_s = min(LONGEST_REST_S, first_rest_s * 2.0 ** min(count - 1, 20))
    return replace(
        ledger, failures=MappingProxyType({**ledger.failures, key: Failures(count=count, until=now + rest_s)})
    )


def succeeded(ledger: Ledger, key: str) -> Ledger:
    """The ledger after a step that happened: its failures are past."""
    if key not in ledger.failures:
        return ledger
    rest = {other: failures for other, failures in ledger.failures.items() if other != key}
    return replace(ledger, failures=MappingProxyType(rest))
