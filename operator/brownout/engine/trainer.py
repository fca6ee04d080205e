"""The port of training, and who stands there where nobody trains: the forecasts learn from what they see then.

A port like those of ports.py: adapters implement it, and one contract suite holds them to it.
"""

from dataclasses import dataclass
from typing import Protocol

from brownout.core.instant import Instant
from brownout.core.training_report import Kept, TrainingReport


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """For which series models are wanted: points every `step_s`, forecasts so many `steps` ahead, and `why` now.

    `confidence_percent` is what their bands shall promise; percentages are of `limit_bytes`, None: not known.
    """

    now: Instant
    why: str
    step_s: float
    steps: tuple[int, ...]
    confidence_percent: float
    limit_bytes: int | None = None


class Trainer(Protocol):
    """Makes models of the history. It takes seconds and memory, so whoever asks chooses the moment."""

    async def kept(self) -> Kept:
        """What earlier trainings left; nothing where there is none, or none that can be read. Bounded in time."""
        ...

    async def train(self, request: TrainingRequest) -> TrainingReport | None:
        """Train, judge and keep. Returns when that is done and durable; None where there is nobody who could.

        A training that came to nothing is a report with a `fault`. Cancelled, it ends at once and leaves nothing
        running; what was kept before stands.
        """
        ...


class NoTrainer:
    """A Trainer that makes nothing."""

    async def kept(self) -> Kept:
        """Nothing."""
        return Kept()

    async def train(self, request: TrainingRequest) -> TrainingReport | None:  # noqa: ARG002 - the port's signature
        """There is nobody who could."""
        return None
