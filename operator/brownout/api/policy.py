"""BrownoutPolicy: when to act, on whose memory, and how fast. Every number that the controller uses by default stands
here.

The defaults are the requirement to the letter; each can be changed while the controller runs.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from brownout.api.leaves import Choice, Flag, Number, Whole
from brownout.api.metadata import ObjectMeta, ObjectName, Resource
from brownout.api.notify import Notify
from brownout.api.pace import DEFAULT_HORIZON_S, MIN_HORIZON_S, PACE_RULES
from brownout.api.quantities import Duration, Quantity
from brownout.api.rules import Rule, Ruled
from brownout.api.status import PolicyStatus
from brownout.api.strategies import DecideStrategy, ForecastModel, Mode, RestoreStrategy, Scope
from brownout.api.tier_rules import AT_LEAST_ONE_MATCH, TIER_RULES
from brownout.api.wire import Wire

__all__ = [
    "DEFAULT_POLICY",
    "BrownoutPolicy",
    "Costs",
    "Decide",
    "DecideStrategy",
    "ForecastModel",
    "Forecasting",
    "Mode",
    "PolicySpec",
    "Rate",
    "Restore",
    "RestoreStrategy",
    "Scope",
    "Sentinel",
    "Spike",
    "Stabilization",
    "Thresholds",
    "Tier",
    "TierMatch",
]

_DAY_S: Final = 86400.0
_SOME_MEMORY: Final = Quantity(at_least=1)
_PERCENT: Final = Number(above=True, at_most=100)
_CORES: Final = Number(above=True, at_most=65536)


class Thresholds(Ruled):
    """Percent of the memory at which something happens. Between enable and disable nothing changes."""

    disable: Annotated[float, _PERCENT] = Field(default=80.0, description="At or above it integrations are given up.")
    enable: Annotated[float, _PERCENT] = Field(default=65.0, description="Below it they may come back.")
    emergency: Annotated[float, _PERCENT] = Field(
        default=95.0, description="At or above it everything but the essential goes, at once."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("enable", "disable", "emergency"),
            fault=lambda enable, disable, emergency: None if enable < disable < emergency else (),
            message="must be in order: enable below disable, disable below emergency",
            cel="self.enable < self.disable && self.disable < self.emergency",
            compares=True,
        ),
    )


class Costs(Wire):
    """What ExpectedCost weighs against the service that is lost, in the unit of an integration's weight."""

    pressure: Annotated[float, Number(at_most=1000)] = Field(
        default=5.0, description="A minute at or above the disable threshold."
    )
    emergency: Annotated[float, Number(at_most=1000)] = Field(
        default=20.0, description="A minute at or above the emergency threshold, beside the pressure."
    )
    switch: Annotated[float, Number(at_most=1000)] = Field(
        default=4.0, description="One change of one integration, up or down."
    )


class Decide(Wire):
    """How it is decided what goes."""

    strategy: Annotated[DecideStrategy, Choice(of=DecideStrategy)] = Field(
        default=DecideStrategy.THRESHOLDS,
        description="Thresholds acts at the thresholds; ExpectedCost weighs what is lost.",
    )
    costs: Costs = Field(default=Costs.model_construct(), description="What ExpectedCost weighs.")


class Restore(Wire):
    """How it is decided what comes back."""

    strategy: Annotated[RestoreStrategy, Choice(of=RestoreStrategy)] = Field(
        default=RestoreStrategy.BELOW_ENABLE,
        description="BelowEnable waits for the enable threshold; WhenItFits returns what fits under disable.",
    )


class Sentinel(Wire):
    """The watch between two ticks, which sees an emergency."""

    interval: Annotated[float, Duration(at_least=0.1, at_most=10)] = Field(
        default=1.0, description="The slowest it may look; it looks faster by itself as headroom shrinks."
    )


class Forecasting(Ruled):
    """How the next minutes are foretold."""

    model: Annotated[ForecastModel, Choice(of=ForecastModel)] = Field(
        default=ForecastModel.AUTO,
        description="Auto lets models vote as their past errors earn it; Linear is the only voter; Off: none votes.",
    )
    horizon: Annotated[float, Duration(at_least=MIN_HORIZON_S, at_most=_DAY_S)] = Field(
        default=DEFAULT_HORIZON_S, description="How far ahead it looks."
    )
    train_on: Annotated[int, Whole(at_least=2, at_most=10_000)] = Field(
        default=50, description="Latest samples that it learns from."
    )
    min_samples: Annotated[int, Whole(at_least=2, at_most=10_000)] = Field(
        default=10, description="Samples without which it does not forecast."
    )
    smoothing: Annotated[float, Number(above=True, at_most=1)] = Field(
        default=0.7, description="Share of the new value in exponential smoothing; 1 does not smooth."
    )
    confidence: Annotated[float, Number(at_least=50, at_most=99.9)] = Field(
        default=90.0, description="Percent of the cases in which the truth lies within the interval."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("min_samples", "train_on"),
            fault=lambda least, most: None if least <= most else ("minSamples",),
            message="minSamples must be at most trainOn",
            cel="self.minSamples <= self.trainOn",
            compares=True,
        ),
    )


class Stabilization(Wire):
    """Waits that keep it calm."""

    enable: Annotated[float, Duration(at_most=_DAY_S)] = Field(
        default=300.0, description="Time that memory must have been low before anything comes back."
    )
    settle: Annotated[float, Duration(at_most=3600)] = Field(
        default=30.0, description="Time in which a step must show its effect before the next one is chosen."
    )


class Spike(Wire):
    """A sudden rise of requests, which is a trigger of its own."""

    factor: Annotated[float, Number(at_least=1, at_most=1000, above=True)] = Field(
        default=2.0, description="How many times the normal rate."
    )
    within: Annotated[float, Duration(at_least=1, at_most=3600)] = Field(
        default=30.0, description="Time within which the rate must have risen."
    )


class Rate(Wire):
    """A rate of requests that is a trigger of its own."""

    above: Annotated[float, Number()] = Field(default=0.0, description="Requests per second; 0: not a trigger.")


class TierMatch(Ruled):
    """Which machines a tier is for: those for which all that is set here holds. What is not known matches nothing."""

    memory_below: Annotated[int, _SOME_MEMORY] | None = Field(
        default=None,
        description="Machines with less memory than this; it is the limit in force: budget, cgroup or node.",
    )
    memory_at_least: Annotated[int, _SOME_MEMORY] | None = Field(
        default=None, description="Machines with this much memory or more, measured likewise."
    )
    cores_below: Annotated[float, _CORES] | None = Field(
        default=None, description="Machines on which we may use fewer cores than this; a CPU quota counts."
    )
    cores_at_least: Annotated[float, _CORES] | None = Field(
        default=None, description="Machines on which we may use this many cores or more."
    )
    gpu: Annotated[bool, Flag()] | None = Field(default=None, description="Machines with a GPU, or without one.")
    gpu_memory_below: Annotated[int, _SOME_MEMORY] | None = Field(
        default=None, description="Machines whose largest GPU has less memory of its own than this."
    )

    rules: ClassVar[tuple[Rule, ...]] = (AT_LEAST_ONE_MATCH,)


class Tier(Wire):
    """Thresholds of a class of machines: the first tier that matches replaces those of the policy."""

    name: ObjectName = Field(description="Name of the tier, unique within the policy.")
    match: TierMatch = Field(description="Which machines it is for.")
    thresholds: Thresholds = Field(default=Thresholds.model_construct(), description="Its thresholds.")


class PolicySpec(Ruled):
    """When to act, on whose memory, and how fast."""

    mode: Annotated[Mode, Choice(of=Mode)] = Field(
        default=Mode.ENFORCE, description="Enforce acts; DryRun decides, records and shows, but acts on nothing."
    )
    interval: Annotated[float, Duration(at_least=0.1, at_most=3600)] = Field(
        default=30.0, description="Time from one sample and decision to the next."
    )
    window: Annotated[float, Duration(at_least=1, at_most=_DAY_S)] = Field(
        default=1800.0, description="How far back samples are kept at hand."
    )
    memory_budget: Annotated[int, _SOME_MEMORY] | None = Field(
        default=None, description="What percentages are of. Absent: all of the node, or of the cgroup."
    )
    scope: Annotated[Scope, Choice(of=Scope)] = Field(
        default=Scope.AUTO,
        description="Whose memory is measured: of the Node, of the Cgroup, or Auto, the narrower one.",
    )
    thresholds: Thresholds = Field(default=Thresholds.model_construct(), description="When to act, in percent.")
    decide: Decide = Field(default=Decide.model_construct(), description="How it is decided what goes.")
    restore: Restore = Field(default=Restore.model_construct(), description="How it is decided what comes back.")
    sentinel: Sentinel = Field(default=Sentinel.model_construct(), description="The watch between two ticks.")
    forecast: Forecasting = Field(
        default=Forecasting.model_construct(), description="How the next minutes are foretold."
    )
    stabilization: Stabilization = Field(
        default=Stabilization.model_construct(), description="Waits that keep it calm."
    )
    spike: Spike = Field(default=Spike.model_construct(), description="A sudden rise of requests, as a trigger.")
    rate: Rate = Field(default=Rate.model_construct(), description="A rate of requests, as a trigger.")
    notify: Notify = Field(
        default=Notify.model_construct(), description="Who is told when an integration's capability changes."
    )
    tiers: tuple[Tier, ...] = Field(
        default=(), max_length=16, description="Other thresholds for other machines; the first that matches is taken."
    )
    tier: ObjectName | None = Field(
        default=None, description="Name of the tier in force, by hand. Absent: the first that matches the machine."
    )

    rules: ClassVar[tuple[Rule, ...]] = (*PACE_RULES, *TIER_RULES)


class BrownoutPolicy(Resource):
    """How Brownout decides. The one named default rules; without it its defaults do."""

    api_version: Literal["brownout.dev/v1alpha1"] = "brownout.dev/v1alpha1"
    kind: Literal["BrownoutPolicy"] = "BrownoutPolicy"
    spec: PolicySpec = Field(default=PolicySpec.model_construct())
    status: Annotated[PolicyStatus | None, BeforeValidator(PolicyStatus.tolerant)] = None


DEFAULT_POLICY: Final = BrownoutPolicy(metadata=ObjectMeta(name="default"), spec=PolicySpec())
