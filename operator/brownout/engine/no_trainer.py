"""The trainer where nobody trains: the forecasts learn from what they see, and need no more."""

from brownout.core.training_report import Kept, TrainingReport
from brownout.engine.ports import TrainingRequest


class NoTrainer:
    """A Trainer that makes nothing."""

    async def kept(self) -> Kept:
        """Nothing."""
        return Kept()

    async def train(self, request: TrainingRequest) -> TrainingReport | None:  # noqa: ARG002 - the port's signature
        """There is nobody who could."""
        return None
