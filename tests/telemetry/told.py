"""What an observer is told, with sane defaults: ticks and steps."""

from collections.abc import Mapping

from brownout.api.reasons import BudgetState, Reason, State
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.breaker import Breaker, Source, ask, doubled, tell
from brownout.core.health import NEVER, Answer, Check, Wellbeing, after
from brownout.core.instant import Instant
from brownout.core.plan import Action, Decision, Step, Verdict
from brownout.core.rates import RequestReading
from brownout.core.sample import Sample
from brownout.engine.observers import RunFigures, StepDetails, TickDetails
from brownout.engine.ports import Outcome, OutcomeStatus

GIB = 2**30


def make_step(*, key: str = "voice", action: Action = Action.DISABLE, reason: Reason = Reason.ABOVE_THRESHOLD) -> Step:
    """A step that takes something off."""
    return Step(
        key=key, name=key, action=action, from_rung=0, to_rung=1, level="", reason=reason,
        message="RAM 81 %, over 80 %: disabled voice", delta_bytes=-GIB,
    )  # fmt: skip


def make_decision(
    *, at: Instant = 1000.0, verdict: Verdict = Verdict.HOLD, reason: Reason = Reason.WITHIN_LIMITS, steps: int = 0
) -> Decision:
    """A decision with so many steps."""
    return Decision(
        at=at,
        verdict=verdict,
        reason=reason,
        message="RAM 40 %",
        rule="calm",
        steps=tuple(make_step() for _ in range(steps)),
    )


def make_tick(
    *,
    at: Instant = 1000.0,
    cause: str = "interval",
    states: Mapping[str, State] | None = None,
    footprints: Mapping[str, int] | None = None,
    decision: Decision | None = None,
    durations_s: Mapping[str, float] | None = None,
    readings: Mapping[str, RequestReading] | None = None,
    checked: Mapping[str, Wellbeing] | None = None,
    runs: tuple[RunFigures, ...] = (),
) -> TickDetails:
    """A finished tick: 4 of 8 GiB in use, the forecast at 55 %, CPU not known."""
    return TickDetails(
        at=at,
        cause=cause,
        sample=Sample(
            at=at, memory_percent=50.0, memory_used_bytes=4 * GIB, memory_limit_bytes=8 * GIB, disk_percent=12.5,
            disk_free_bytes=GIB, footprints=footprints or {},
        ),
        decision=decision or make_decision(at=at),
        statuses={key: IntegrationStatus(state=state) for key, state in (states or {"voice": State.ENABLED}).items()},
        policy_status=PolicyStatus(memory_percent=50.0, forecast_percent=55.0, lower=52.0, upper=58.0),
        durations_s=durations_s or {"observe": 0.01, "decide": 0.001},
        readings=readings or {},
        checked=checked or {},
        runs=runs,
    )  # fmt: skip


def make_run(name: str = "nightly", *, tokens: int = 900, state: BudgetState = BudgetState.APPROACHING) -> RunFigures:
    """A run that may use a thousand tokens, and as many calls as it likes."""
    used = {"duration": 60.0, "tokens": tokens, "apiCalls": 3}
    return RunFigures(name=name, state=state, used=used, limits={"tokens": 1000})


def make_reading(
    *, rate: float = 2.0, response_ms: float | None = 125.0, failed: float | None = 0.25
) -> RequestReading:
    """Requests to one integration, some of which failed."""
    return RequestReading(at=1000.0, within_s=30.0, rate=rate, response_ms=response_ms, failure_share=failed)


def make_wellbeing(*answers: Answer) -> Wellbeing:
    """What is known after these checks, of which the failed ones count for the circuit too."""
    record, breaker = NEVER, Breaker()
    for answer in answers:
        why = "" if answer is Answer.OK else "connection refused on port 9000"
        record = after(record, Check(answer=answer, at=1000.0, took_s=0.05, why=why), threshold=3)
        breaker, permit = ask(breaker, Source.CHECK, now=1000.0, within_s=5.0, wait=doubled)
        told = why if answer is Answer.FAILED else None
        breaker = tell(breaker, permit, told, now=1000.0, threshold=3, wait=doubled)
    return Wellbeing(record=record, breaker=breaker)


def make_step_details(
    *, status: OutcomeStatus = OutcomeStatus.DONE, detail: str = "", seconds: float = 0.3
) -> StepDetails:
    """A finished step."""
    return StepDetails(at=1000.0, step=make_step(), outcome=Outcome(status=status, detail=detail), duration_s=seconds)
