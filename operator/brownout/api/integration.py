"""Integration: what an owner wishes for one thing that takes memory, and how much of it may be given up.

The model is the source of the CRD and of `kubectl explain`, so each field says what it means to a person. It knows
nothing of what the controller decides; that is `status`.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from brownout.api.budget import Budget
from brownout.api.ladder import LADDER_RULES, NOT_ITSELF
from brownout.api.leaves import Flag, Number, Text, Whole
from brownout.api.metadata import ObjectName, Resource
from brownout.api.quantities import Bytes, Duration
from brownout.api.rules import Rule, Ruled
from brownout.api.status import IntegrationStatus
from brownout.api.wire import Wire
from brownout.api.workload import RUNNABLE, Workload

__all__ = [
    "Budget",
    "ExecProbe",
    "HealthCheck",
    "HttpProbe",
    "Integration",
    "IntegrationSpec",
    "Level",
    "Route",
    "Stop",
    "TcpProbe",
]

_LABEL = Text(
    allowed="must be a name of letters, digits, '-', '_' and '.', such as full",
    pattern=r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?",
    longest=63,
)
_NODE = Text(allowed="must be the name of a node, or empty", pattern=r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?")
_PATH = Text(allowed="must be a path that begins with '/' and holds no spaces", pattern=r"/[!-~]*", longest=1024)
_MATCH = Text(
    allowed="must be one line of literal text; a '*' at its end matches any rest",
    pattern=r"[^\x00-\x1f\x7f]+",
    longest=256,
)
_DOING = Text(
    allowed="must be one line that goes on after 'voice now', such as answers with its small model",
    pattern=r"[^\x00-\x1f\x7f]+",
    longest=256,
)
_PORT = Whole(at_least=1, at_most=65535)


class Level(Wire):
    """One quality at which the integration can run."""

    name: Annotated[str, _LABEL] = Field(description="Name of the level, unique within the integration.")
    description: Annotated[str, _DOING] | None = Field(
        default=None,
        description="What it does at this level, in words that go on after 'voice now': answers with its small model.",
    )
    memory: Bytes | None = Field(
        default=None, description="First guess of the memory it takes; the measured footprint takes over."
    )
    config: dict[str, Any] = Field(
        default_factory=dict,
        description="What makes the level: merged over a plugin's config; env of a command; replicas of a scale.",
    )
    value: Annotated[float, Number(at_most=1)] | None = Field(
        default=None,
        description="What its service is worth, of the best level's 1. Absent: the levels are evenly spaced down to 0.",
    )


class Stop(Wire):
    """How the integration is ended."""

    grace: Annotated[float, Duration(at_most=86400)] = Field(
        default=30.0, description="Time it is given to finish after it was asked to; then it is ended."
    )


class HttpProbe(Wire):
    """A GET on this machine that must be answered with a status from 200 to 399."""

    port: Annotated[int, _PORT] = Field(description="Port on this machine.")
    path: Annotated[str, _PATH] = Field(default="/", description="Path of the request.")


class TcpProbe(Wire):
    """A connection on this machine that must be accepted."""

    port: Annotated[int, _PORT] = Field(description="Port on this machine.")


class ExecProbe(Ruled):
    """A program that must end with 0."""

    argv: tuple[Annotated[str, Text(longest=32768)], ...] = Field(
        min_length=1, max_length=256, description="The program and its arguments, each by itself."
    )

    rules: ClassVar[tuple[Rule, ...]] = (RUNNABLE,)


class HealthCheck(Ruled):
    """How it is told whether the integration works. Without a probe: while its process lives."""

    period: Annotated[float, Duration(at_least=0.1, at_most=3600)] = Field(
        default=5.0, description="Time from one check to the next."
    )
    timeout: Annotated[float, Duration(at_least=0.01, at_most=3600)] = Field(
        default=5.0, description="Time after which a check without an answer has failed."
    )
    latency_budget: Annotated[float, Duration(at_least=0.001, at_most=3600)] = Field(
        default=0.2,
        description="An answer that takes longer counts against its health; it does not open the circuit.",
    )
    failure_threshold: Annotated[int, Whole(at_least=1, at_most=1000)] = Field(
        default=3, description="Failures one after the other that make the integration unhealthy."
    )
    http: HttpProbe | None = Field(default=None, description="Check by an HTTP request.")
    tcp: TcpProbe | None = Field(default=None, description="Check by a TCP connection.")
    exec: ExecProbe | None = Field(default=None, description="Check by a program.")

    @property
    def probed(self) -> bool:
        """Whether it names a probe."""
        return self.http is not None or self.tcp is not None or self.exec is not None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("http", "tcp", "exec"),
            fault=lambda *probes: None if sum(probe is not None for probe in probes) <= 1 else (),
            message="at most one of http, tcp and exec may be set",
            cel="[has(self.http), has(self.tcp), has(self.exec)].filter(set, set).size() <= 1",
        ),
    )


class Route(Wire):
    """Requests that are for this integration."""

    match: dict[str, Annotated[str, _MATCH]] = Field(
        min_length=1,
        max_length=16,
        description="Properties of a request as literal text; all must match. A '*' at the end matches any rest.",
    )


class IntegrationSpec(Ruled):
    """The owner's wish. The controller never writes it."""

    enabled: Annotated[bool, Flag()] = Field(default=True, description="The owner's wish; false is never overridden.")
    priority: Annotated[int, Whole(at_least=-(10**9), at_most=10**9)] = Field(
        default=100, description="The lowest is given up first. Among equals the larger footprint, then the name."
    )
    weight: Annotated[float, Number(above=True, at_most=1000)] | None = Field(
        default=None,
        description="What a minute without it costs, for ExpectedCost. Absent: 1 for the lowest priority, up to 4.",
    )
    essential: Annotated[bool, Flag()] = Field(
        default=False, description="Never lowered nor disabled, not even in an emergency."
    )
    pinned: Annotated[bool, Flag()] = Field(
        default=False, description="Left alone by the planner, but not by an emergency."
    )
    depends_on: tuple[ObjectName, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Integrations that this one needs: it comes up after them and goes down before them.",
    )
    node: Annotated[str, _NODE] = Field(default="", description="The node it runs on. Empty: the only one.")
    workload: Workload = Field(description="What the integration switches on and off: exactly one of the four.")
    levels: tuple[Level, ...] = Field(
        default=(),
        max_length=16,
        description="Qualities at which it can run, best first. Left out: its plugin's. Without any it is on or off.",
    )
    memory: Bytes | None = Field(
        default=None, description="First guess of the memory it takes, where there are no levels."
    )
    stop: Stop = Field(default=Stop.model_construct(), description="How it is ended.")
    health: HealthCheck = Field(default=HealthCheck.model_construct(), description="How it is told whether it works.")
    routes: tuple[Route, ...] = Field(default=(), max_length=256, description="Requests that are for it.")
    concurrency: Annotated[int, Whole(at_least=1, at_most=10000)] = Field(
        default=8, description="Requests that it is given at once."
    )
    budget: Budget | None = Field(default=None, description="Limits of a run.")

    rules: ClassVar[tuple[Rule, ...]] = LADDER_RULES

    @property
    def levels_left_out(self) -> bool:
        """Whether its owner leaves the levels to its plugin. An empty list says that there are to be none."""
        return self.workload.plugin is not None and "levels" not in self.model_fields_set

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was left out stays so: an empty list would say something else when it is read again."""
        document: dict[str, Any] = write(self)
        return {name: part for name, part in document.items() if name != "levels" or "levels" in self.model_fields_set}


class Integration(Resource):
    """Something that takes memory and may be lowered or switched off before memory runs out."""

    api_version: Literal["brownout.dev/v1alpha1"] = "brownout.dev/v1alpha1"
    kind: Literal["Integration"] = "Integration"
    spec: IntegrationSpec
    status: Annotated[IntegrationStatus | None, BeforeValidator(IntegrationStatus.tolerant)] = None

    rules: ClassVar[tuple[Rule, ...]] = (NOT_ITSELF,)
