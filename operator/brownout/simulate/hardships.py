"""Hardships: what real workloads do and the plain plant does not. Each is small and can be added to a plant."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One thing at one tick, as a hardship sees it. `held` is what it held, percent, when it last went off."""

    name: str
    tick: int
    since: int  # the tick at which it last came on or went off
    on: bool
    starting: int  # ticks of its start that are left
    held: float
    off: int  # the rung on which it does not run


class Hardship:
    """Nothing is hard: what a hardship does not change stays as it is."""

    def size(self, _at: Situation, percent: float) -> float:
        """What the thing holds at this tick."""
        return percent

    def lingers(self, _at: Situation) -> float:
        """What is not given back yet, percent, though the thing is off."""
        return 0.0

    def start_ticks(self, _at: Situation, ticks: int) -> int:
        """How long the start that begins now takes."""
        return ticks

    def rung(self, _at: Situation, rung: int) -> int:
        """Where it really stands, whatever was chosen."""
        return rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak(Hardship):
    """One thing grows while it is on, so many points an hour, and starts small again."""

    name: str
    percent_per_hour: float = 2.0

    def size(self, at: Situation, percent: float) -> float:
        """Its size and what leaked since it came on."""
        grown = self.percent_per_hour * (at.tick - at.since) / 120.0
        return percent + grown if at.on and at.name == self.name else percent


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPeak(Hardship):
    """A start takes more than what runs: models are loaded twice, caches are built."""

    factor: float = 1.5

    def size(self, at: Situation, percent: float) -> float:
        """Its size, times the factor while it starts."""
        return percent * self.factor if at.starting else percent


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReturn(Hardship):
    """What is switched off gives its memory back late, and maybe never all of it until it runs again."""

    ticks: int = 4
    kept: float = 0.0  # the share that stays

    def lingers(self, at: Situation) -> float:
        """All of it at first, then what stays."""
        if at.on:
            return 0.0
        return at.held * (1.0 if at.tick - at.since < self.ticks else self.kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedStarts(Hardship):
    """Some starts fail and are tried again by their driver: they hold memory and serve nothing for longer."""

    share: float = 0.3
    more_ticks: int = 6
    seed: int = 0

    def start_ticks(self, at: Situation, ticks: int) -> int:
        """The usual time, and more where this start fails; chance knows the thing and the tick, not the policy."""
        drawn = random.Random(f"{self.seed}:{at.name}:{at.tick}").random()  # noqa: S311 - a model, not a secret
        return ticks + self.more_ticks if drawn < self.share else ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class FightsBack(Hardship):
    """Somebody else brings one thing up again, some ticks after it went off."""

    name: str
    after_ticks: int = 4

    def rung(self, at: Situation, rung: int) -> int:
        """Its best level, once it has been off for so long."""
        again = at.name == self.name and not at.on and at.tick - at.since >= self.after_ticks
        return 0 if again and rung >= at.off else rung
