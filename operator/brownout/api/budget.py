"""Budgets on the wire: what an owner lets one run of an integration use, and from when it counts anew.

It knows nothing of what was used; that is counted elsewhere.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from brownout.api.leaves import Choice, Number, Whole
from brownout.api.quantities import Duration
from brownout.api.wire import Wire

__all__ = ["MOST", "Budget", "Per"]

#: The largest count that every reader of JSON holds exactly.
MOST = 2**53


class Per(StrEnum):
    """How long usage adds up before it counts from zero again. Each begins at a full hour, midnight or Monday, UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


class Budget(Wire):
    """Limits of a run of the integration. A limit that is absent does not limit."""

    duration: Annotated[float, Duration(at_least=1.0)] | None = Field(
        default=None, description="Longest time that it runs; counted while it does."
    )
    tokens: Annotated[int, Whole(at_most=MOST)] | None = Field(
        default=None, description="Most tokens; 0 allows none. Told by whoever serves it, on the run of its name."
    )
    api_calls: Annotated[int, Whole(at_most=MOST)] | None = Field(
        default=None, description="Most calls of an API; 0 allows none. Told by whoever serves it."
    )
    per: Annotated[Per, Choice(of=Per)] | None = Field(
        default=None,
        description="Usage counts from zero again every hour, day or week, in UTC. Absent: it adds up for ever.",
    )
    warn_at: Annotated[float, Number(above=True, at_most=100)] = Field(
        default=80.0, description="Percent of any limit at which the run is approaching it."
    )
    finish_at: Annotated[float, Number(at_most=100)] = Field(
        default=80.0, description="Percent of its work from which a run that approaches a limit may still finish."
    )
    checkpoint_every: Annotated[float, Duration(at_least=1.0)] = Field(
        default=300.0, description="Time from one checkpoint to the next."
    )
