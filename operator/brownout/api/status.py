"""What the controller writes about an object, and reads back after a restart.

A status may have been written by a user, by an older version or by a newer one. Reading never fails: what is invalid
is dropped, and the controller rebuilds it from what it sees. Nothing here decides anything.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, JsonValue, ValidationError

from brownout.api.leaves import Choice, Flag, Number, Text, Whole
from brownout.api.quantities import MeasuredBytes, Seconds
from brownout.api.reasons import BudgetState, Circuit, ConditionStatus, ConditionType, Health, Reason, State
from brownout.api.wire import ReadBack

__all__ = ["BudgetStatus", "Condition", "FootprintStatus", "HardwareStatus", "Held", "IntegrationStatus"]
__all__ += ["LastDecision", "LevelStatus", "PolicyStatus", "ThresholdsStatus"]

_Word = Annotated[str, Text(longest=253)]
_Sentence = Annotated[str, Text(longest=4096)]
_Time = Annotated[str, Text(longest=40, pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)")]
_Percent = Annotated[float, Number(at_most=1e6)]
_Generation = Annotated[int, Whole(at_most=2**63 - 1)]
_Reason = Annotated[Reason, Choice(of=Reason)]

#: Conditions are merged by their type, as everywhere in Kubernetes.
_BY_TYPE: Final[dict[str, JsonValue]] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class _Tolerant(ReadBack):
    """A status that can be read back whatever stands there."""

    @classmethod
    def tolerant(cls, data: object) -> Self | None:
        """Read what is sound of a status and drop the rest, field by field; None where nothing is."""
        if isinstance(data, cls):
            return data
        written = data if isinstance(data, Mapping) else {}
        sound: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            key = field.alias or name
            value = _sound_conditions(written.get(key)) if name == "conditions" else written.get(key)
            if value is not None and _reads(cls, {key: value}):
                sound[key] = value
        return cls.model_validate(sound) if sound else None


def _reads(model: type[ReadBack], data: object) -> bool:
    try:
        model.model_validate(data)
    except ValidationError:
        return False
    return True


def _sound_conditions(conditions: object) -> list[object] | None:
    if not isinstance(conditions, list | tuple):
        return None
    return [condition for condition in conditions if _reads(Condition, condition)]


class Condition(ReadBack):
    """One statement about the object that is true, false or unknown."""

    type: Annotated[ConditionType, Choice(of=ConditionType)] = Field(description="What is stated.")
    status: Annotated[ConditionStatus, Choice(of=ConditionStatus)] = Field(description="Whether it holds.")
    reason: _Word = Field(description="Why, in one word.")
    message: _Sentence = Field(default="", description="Why, in a sentence.")
    last_transition_time: _Time = Field(description="When the status last changed.")
    observed_generation: _Generation | None = Field(default=None, description="Generation of the object it speaks of.")


class FootprintStatus(ReadBack):
    """Memory that the integration takes at its level."""

    steady: MeasuredBytes | None = Field(default=None, description="Once it has started.")
    peak: MeasuredBytes | None = Field(default=None, description="At most while it starts.")
    source: _Word = Field(default="", description="Where the figures come from: measured, or spec for the first guess.")


class LastDecision(ReadBack):
    """The latest decision about the integration, with its numbers."""

    id: _Word = Field(default="", description="Its number in the history.")
    at: _Time | None = Field(default=None, description="When it was made.")
    reason: _Reason | None = Field(default=None, description="Why, in one word.")
    message: _Sentence = Field(default="", description="Why, in a sentence with numbers.")
    returns_when: _Sentence = Field(default="", description="What brings the integration back.")
    memory_percent: _Percent | None = Field(default=None, description="Memory in use when it was made.")
    forecast_percent: _Percent | None = Field(default=None, description="Memory that was forecast.")
    lower: _Percent | None = Field(default=None, description="Lower end of the forecast's interval.")
    upper: _Percent | None = Field(default=None, description="Upper end of the forecast's interval.")
    model: _Word = Field(default="", description="Model that made the forecast.")
    frees: MeasuredBytes | None = Field(default=None, description="Memory that it was expected to free.")


class Held(ReadBack):
    """What the controller must not forget over a restart: that it, not the owner, holds the integration down."""

    by_controller: Annotated[bool, Flag()] = Field(default=False, description="The controller lowered or disabled it.")
    off: Annotated[bool, Flag()] = Field(default=False, description="It is held off, not only lowered.")
    level: _Word = Field(default="", description="Level it is held at; empty when off.")
    since: _Time | None = Field(default=None, description="Since when it is held.")
    reason: _Reason | None = Field(default=None, description="Why it is held, in one word.")
    message: _Sentence = Field(default="", description="Why it is held, in a sentence with numbers.")
    undone: Annotated[int, Whole(at_least=0)] = Field(
        default=0, description="How many returns in a row had to be undone: it waits for more certainty, then longer."
    )
    returned_at: _Time | None = Field(default=None, description="When it last came back; absent once that has lasted.")


class BudgetStatus(ReadBack):
    """How its run stands to the limits of `spec.budget`."""

    state: Annotated[BudgetState, Choice(of=BudgetState)] | None = Field(
        default=None, description="OK, approaching a limit, or over one."
    )
    percent: _Percent | None = Field(
        default=None, description="Used of the limit that is nearest, in percent, rounded down to tens."
    )
    resets_at: _Time | None = Field(default=None, description="When it counts from zero again.")


class LevelStatus(ReadBack):
    """What is known of one level from its own past. What is not known is absent."""

    name: _Word = Field(description="Name of the level.")
    memory: MeasuredBytes | None = Field(default=None, description="Memory that it was measured to take at rest.")
    response_ms: Annotated[float, Number()] | None = Field(default=None, description="Mean response time in ms.")
    p95_ms: Annotated[float, Number()] | None = Field(
        default=None, description="Time in ms within which 95 % of its requests were answered."
    )
    failure_percent: _Percent | None = Field(default=None, description="Percent of its requests that failed.")
    message: _Sentence = Field(default="", description="Why it is not switched to now; empty where it may be.")


class IntegrationStatus(_Tolerant):
    """What the controller sees and has decided. Written by the controller alone."""

    observed_generation: _Generation | None = Field(default=None, description="Generation of the spec it speaks of.")
    state: Annotated[State, Choice(of=State)] | None = Field(default=None, description="What it is doing, in one word.")
    level: _Word | None = Field(default=None, description="Level at which it runs.")
    since: _Time | None = Field(default=None, description="When the state or the level last changed.")
    reason: _Reason | None = Field(default=None, description="Why it is so, in one word.")
    message: _Sentence | None = Field(default=None, description="Why it is so, in a sentence with numbers.")
    returns_when: _Sentence | None = Field(default=None, description="What brings it back.")
    footprint: FootprintStatus | None = Field(default=None, description="Memory that it takes at its level.")
    memory: MeasuredBytes | None = Field(default=None, description="Memory that it holds now.")
    levels: tuple[LevelStatus, ...] | None = Field(
        default=None, max_length=16, description="What is known of its levels, best first."
    )
    health: Annotated[Health, Choice(of=Health)] | None = Field(default=None, description="What the checks say.")
    circuit: Annotated[Circuit, Choice(of=Circuit)] | None = Field(default=None, description="State of the breaker.")
    budget: BudgetStatus | None = Field(default=None, description="How its run stands to its limits.")
    node: _Word | None = Field(default=None, description="Node whose agent speaks.")
    replicas_before: Annotated[int, Whole()] | None = Field(
        default=None, description="Replicas of the target before it was switched off; they are what it gets back."
    )
    hold: Held | None = Field(default=None, description="What must outlive a restart of the controller.")
    last_decision: LastDecision | None = Field(default=None, description="The latest decision about it.")
    conditions: tuple[Condition, ...] = Field(
        default=(), json_schema_extra=_BY_TYPE, description="Statements about it."
    )


class ThresholdsStatus(ReadBack):
    """The thresholds in force: those of the tier, or of the policy itself."""

    disable: _Percent | None = Field(default=None, description="At or above it integrations are given up.")
    enable: _Percent | None = Field(default=None, description="Below it they may come back.")
    emergency: _Percent | None = Field(default=None, description="At or above it everything but the essential goes.")


class HardwareStatus(ReadBack):
    """What the controller may use of the machine. What is not known is absent."""

    memory: MeasuredBytes | None = Field(default=None, description="The memory limit in force: budget, cgroup or node.")
    cores: Annotated[float, Number(at_most=65536)] | None = Field(default=None, description="Cores, a quota counted.")
    gpu: Annotated[bool, Flag()] | None = Field(default=None, description="Whether there is a GPU.")
    gpu_memory: MeasuredBytes | None = Field(default=None, description="Memory of the largest GPU.")


class PolicyStatus(_Tolerant):
    """What the controller sees of the machine. Written by the controller alone."""

    observed_generation: _Generation | None = Field(default=None, description="Generation of the spec it speaks of.")
    node: _Word | None = Field(default=None, description="Node whose agent speaks.")
    memory_percent: _Percent | None = Field(default=None, description="Memory in use, in percent.")
    forecast_percent: _Percent | None = Field(default=None, description="Memory that is forecast, in percent.")
    lower: _Percent | None = Field(default=None, description="Lower end of the forecast's interval.")
    upper: _Percent | None = Field(default=None, description="Upper end of the forecast's interval.")
    model: _Word | None = Field(default=None, description="Model that made the forecast.")
    time_to_disable: Seconds | None = Field(default=None, description="Time left until the disable threshold.")
    time_to_emergency: Seconds | None = Field(default=None, description="Time left until the emergency threshold.")
    tier: _Word | None = Field(default=None, description="Tier in force; absent where the policy's own thresholds are.")
    tier_message: _Sentence | None = Field(default=None, description="Why this tier is in force, or none.")
    thresholds: ThresholdsStatus | None = Field(default=None, description="The thresholds in force.")
    hardware: HardwareStatus | None = Field(default=None, description="What the machine was found to have.")
    heartbeat: _Time | None = Field(default=None, description="Written to see that the watch still delivers.")
    conditions: tuple[Condition, ...] = Field(
        default=(), json_schema_extra=_BY_TYPE, description="Statements about the controller."
    )
