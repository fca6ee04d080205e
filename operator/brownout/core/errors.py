"""The one tree of errors.

    BrownoutError                 something unexpected; says who is at fault and what to do
    ├── InvalidInput              the owner's file, flag or object is wrong; fix it and try again
    ├── AlreadyRunning            another controller holds this state folder or lease
    ├── HomeUnavailable           the home (folder, API server) cannot be used now; retried where that can help
    ├── WorkloadFault             the workload did not do what was asked of it
    ├── HistoryUnavailable        the history cannot be read or written; decisions go on without it
    ├── TrainingFault             no model came of a training; the forecasts go on without it
    └── ControllerFault           our own bug; please report it

Outcomes that are to be expected (a stop that timed out, a stale plan, an invalid field) are values, not
exceptions; this tree is for what a caller cannot sensibly carry as a value.
"""


def describe(error: BaseException) -> str:
    """What an error says, or its kind where it says nothing (a TimeoutError mostly does not)."""
    return str(error) or type(error).__name__


class BrownoutError(Exception):
    """Anything Brownout raises on purpose. `advice` tells the reader what to do next; it may be empty."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}: {self.advice}" if self.advice else text


class InvalidInput(BrownoutError):
    """The owner's input is wrong: a file, a flag, an object."""


class AlreadyRunning(BrownoutError):
    """Another controller already holds what this one needs alone."""


class HomeUnavailable(BrownoutError):
    """The home that declares integrations cannot be reached or used."""


class WorkloadFault(BrownoutError):
    """A workload refused or failed what was asked of it."""


class HistoryUnavailable(BrownoutError):
    """The history on disk cannot be opened, read or written."""


class TrainingFault(BrownoutError):
    """A training came to nothing: too little history, no scikit-learn, no time."""


class ControllerFault(BrownoutError):
    """A bug of ours, named so that nobody looks for it in their own files."""
