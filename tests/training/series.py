"""Histories with a known law, and what a training is asked."""

import math
from collections.abc import Callable
from typing import Any

from brownout.core.window import Point
from brownout.engine.trainer import TrainingRequest
from tests.worlds import make_dice

START = 1_767_225_600.0  # a midnight, UTC
STEP_S = 30.0
STEPS = (1, 5, 10)
PER_DAY = 2880


def points_of(value: Callable[[int], float], count: int, *, start: float = START) -> list[Point]:
    """A point every 30 s."""
    return [(start + STEP_S * place, value(place)) for place in range(count)]


def autoregressive(count: int, *, share: float = 0.9, level: float = 50.0, seed: int = 1) -> list[Point]:
    """AR(1): this share of the distance to the level stays with each step, and chance adds to it."""
    dice, away = make_dice(seed), 0.0
    values = []
    for _ in range(count):
        away = share * away + dice.gauss(0.0, 1.0)
        values.append(level + away)
    return points_of(values.__getitem__, count)


def day(place: float) -> float:
    """The load of a day: flat, but for eight points more around 18:00."""
    return 8.0 * math.exp(-(((place / PER_DAY) % 1.0 - 0.75) ** 2) / 0.003)


def daily(count: int, *, noise: float = 0.5, seed: int = 2) -> list[Point]:
    """The same day again and again, with chance."""
    dice = make_dice(seed)
    return points_of(lambda place: 40.0 + day(place) + dice.gauss(0.0, noise), count)


def make_request(points: list[Point], **changes: Any) -> TrainingRequest:
    """Asked at the end of the history."""
    parts: dict[str, Any] = {
        "now": points[-1][0],
        "why": "a test asks",
        "step_s": STEP_S,
        "steps": STEPS,
        "confidence_percent": 90.0,
    }
    return TrainingRequest(**{**parts, **changes})
