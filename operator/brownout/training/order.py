"""What the controller asks of a training child, and the line that the child answers: values that survive an exec."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from brownout.core.document import Part
from brownout.core.errors import ControllerFault, InvalidInput
from brownout.core.training_document import report_from
from brownout.core.training_report import TrainingReport
from brownout.engine.trainer import TrainingRequest

#: A report is some 2 kB.
MOST_OUTPUT: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """`state` is the folder of the history and of what is kept; `history` the file's name in it."""

    state: str
    request: TrainingRequest
    history: str = "history.db"

    def to_json(self) -> str:
        """For the argument of the child."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TrainingOrder":
        """The order again. Raises ControllerFault: only our own controller writes them."""
        try:
            read: dict[str, Any] = json.loads(text)
            request = read.pop("request")
            request["steps"] = tuple(request["steps"])
            return cls(**read, request=TrainingRequest(**request))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ControllerFault(f"the order of a training cannot be read: {error}") from None


def answer(report: TrainingReport) -> str:
    """The child's only line."""
    return json.dumps(asdict(report))


def answered(output: bytes) -> TrainingReport | None:
    """The report of a child's output; None where it is none."""
    try:
        return report_from(Part.of(json.loads(output)))
    except (InvalidInput, ValueError, RecursionError):
        return None
