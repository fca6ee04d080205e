"""Limits that are raised while a run goes on."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from brownout.api.problems import shown
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import PARAMETER, Measure
from brownout.core.errors import InvalidInput

_NAMES = {field.name for field in fields(Limits)} | {"duration", "checkpoint_every"}


def raised(limits: Limits, changes: Mapping[str, Any]) -> Limits:
    """The limits with those changed that are named as `Limits` names them; None takes a limit away.

    Raises InvalidInput for an unknown name, a bad value, and for a limit that would be lower than it is.
    """
    if unknown := [name for name in changes if name not in _NAMES]:
        raise InvalidInput(
            "; ".join(f"{name}: unknown limit: there are {', '.join(sorted(_NAMES))}" for name in unknown)
        )
    without = {"duration_s": None} if "duration" in changes else {}
    higher = replace(limits, **{**without, **changes})
    lower = [
        f"{PARAMETER[measure]}: Invalid value: {shown(higher.of(measure))}: must not be lower than it is, {before:g}"
        for measure in Measure
        if (before := limits.of(measure)) is not None
        and (higher.of(measure) or 0.0) < before
        and higher.of(measure) is not None
    ]
    if lower:
        raise InvalidInput("; ".join(lower), advice="a limit can only be raised while a run goes on")
    return higher
