"""Series for tests of forecasters: seeded walks, noise and steps, and panels and signals that were fed them."""

from collections.abc import Iterable, Sequence

from brownout.api.policy import Forecasting
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.signals import Features, Signals
from tests.worlds import NOW, make_dice

STEP_S = 30.0


def make_walk(count: int, *, seed: int = 1, step: float = 1.0) -> list[float]:
    """Make a random walk between 5 and 95."""
    dice, value, made = make_dice(seed), 50.0, []
    for _ in range(count):
        value = min(95.0, max(5.0, value + dice.gauss(0.0, step)))
        made.append(value)
    return made


def make_noise(count: int, *, seed: int = 1, level: float = 50.0, sd: float = 3.0) -> list[float]:
    """Make white noise around a level."""
    dice = make_dice(seed)
    return [dice.gauss(level, sd) for _ in range(count)]


def make_ar1(count: int, *, seed: int = 1, keep: float = 0.9, sd: float = 1.0) -> list[float]:
    """Make noise that forgets itself with the share `keep` a step, around 50."""
    dice, away, made = make_dice(seed), 0.0, []
    for _ in range(count):
        away = keep * away + dice.gauss(0.0, sd)
        made.append(50.0 + away)
    return made


def make_steps(count: int, *, seed: int = 1, every: int = 100) -> list[float]:
    """Make levels that last `every` points each, with a little noise."""
    dice, level, made = make_dice(seed), 50.0, []
    for index in range(count):
        level = dice.uniform(30.0, 70.0) if index % every == 0 else level
        made.append(dice.gauss(level, 0.3))
    return made


def make_ramps(
    count: int, *, every: int, first: int = 0, seed: int = 1, noise: float = 0.0, later: float = 0.0
) -> list[float]:
    """Make straight ramps that bend at each `every`-th point from `first` on, or by a part of a step `later`."""
    dice, knots, made = make_dice(seed), dict[int, float](), []
    for index in range(count):
        beats, rest = divmod(index - first - later, every)
        low, high = (knots.setdefault(int(knot), dice.uniform(20.0, 80.0)) for knot in (beats, beats + 1))
        made.append(low + (high - low) * rest / every + dice.gauss(0.0, noise))
    return made


def fed_panel(values: Iterable[float], settings: Forecasting | None = None, *, panel: Panel | None = None) -> Panel:
    """Feed a panel, or a blank one, points 30 s apart that go on where it stands."""
    panel = panel or Panel.blank(settings or Forecasting(), interval_s=STEP_S)
    start = panel.at + STEP_S if panel.signals.points else NOW
    for index, value in enumerate(values):
        panel = panel.seen(start + STEP_S * index, value)
    return panel


def walked(forecaster: Forecaster, values: Sequence[float], steps: int) -> tuple[Forecaster, list[float]]:
    """Give a forecaster each value in turn, and what it foretold after each."""
    signals, past, said = Signals(), tuple[Features, ...](), []
    for index, value in enumerate(values):
        signals = signals.add(NOW + STEP_S * index, value)
        forecaster = forecaster.learn(signals, past)
        past = (*past, signals.features())[-steps:]
        said.append(forecaster.ahead(signals, steps))
    return forecaster, said
