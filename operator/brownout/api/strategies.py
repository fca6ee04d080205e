"""The choices of a policy, each a closed vocabulary of the wire. What a choice does is the core's."""

from enum import StrEnum

__all__ = ["DecideStrategy", "ForecastModel", "Mode", "RestoreStrategy", "Scope"]


class Mode(StrEnum):
    """Whether decisions are carried out."""

    ENFORCE = "Enforce"
    DRY_RUN = "DryRun"


class Scope(StrEnum):
    """Whose memory is measured."""

    NODE = "Node"
    CGROUP = "Cgroup"
    AUTO = "Auto"


class DecideStrategy(StrEnum):
    """How it is decided what goes."""

    THRESHOLDS = "Thresholds"
    EXPECTED_COST = "ExpectedCost"


class RestoreStrategy(StrEnum):
    """How it is decided what comes back."""

    BELOW_ENABLE = "BelowEnable"
    WHEN_IT_FITS = "WhenItFits"


class ForecastModel(StrEnum):
    """Which models may vote on a forecast."""

    AUTO = "Auto"
    LINEAR = "Linear"
    OFF = "Off"  # forecasts are made and shown, but decisions rest on what is measured
