"""What a budget limits, in the words of the wire."""

from enum import StrEnum


class Measure(StrEnum):
    """One thing that a run uses up."""

    DURATION = "duration"  # seconds in which at least one process had the run open
    TOKENS = "tokens"
    API_CALLS = "apiCalls"


#: The parameter of `Limits` that holds the limit of a measure, as a person writes it in Python.
PARAMETER = {Measure.DURATION: "duration", Measure.TOKENS: "tokens", Measure.API_CALLS: "api_calls"}
