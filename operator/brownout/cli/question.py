"""What the commands ask of a history, wherever it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which history: of one integration or of all, since when, how much."""

    name: str | None = None
    since: float = 0.0
    limit: int = 100
