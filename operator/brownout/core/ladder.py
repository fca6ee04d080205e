"""The ladder of an integration: its levels of quality, best first, and off at the bottom."""

from dataclasses import dataclass, field

from brownout.api.integration import Integration, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Rungs count down: 0 is the best level, `off` the bottom. An integration without levels has one rung: on.

    `off` is the rung on which nothing runs. It is kept, since a decision asks for it ten times of each integration.
    """

    levels: tuple[Level, ...] = ()
    off: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "off", len(self.levels) or 1)

    @property
    def lowest(self) -> int:
        """The last rung on which it still serves."""
        return self.off - 1

    def level(self, rung: int) -> Level | None:
        """The level of a rung; None when off, and where there are no levels."""
        return self.levels[rung] if rung < len(self.levels) else None

    def level_name(self, rung: int) -> str:
        """The level's name for status and people; empty when off or without levels."""
        level = self.level(rung)
        return level.name if level else ""

    def rung_of(self, level_name: str) -> int:
        """The rung of a level's name; the best one when the name is not (any longer) on the ladder."""
        names = [level.name for level in self.levels]
        return names.index(level_name) if level_name in names else 0

    def first_guess_bytes(self, rung: int, integration: Integration) -> int | None:
        """What the owner guesses it takes there; None where the spec says nothing."""
        if rung >= self.off:
            return 0
        level = self.level(rung)
        guess = level.memory if level else None
        return guess if guess is not None else integration.spec.memory


def ladder_of(integration: Integration) -> Ladder:
    """The ladder that a spec describes."""
    return Ladder(levels=integration.spec.levels)


def with_levels(integration: Integration, levels: tuple[Level, ...]) -> Integration:
    """The integration with the levels of its plugin, where its owner left them out; any other as it is.

    `spec.memory` is the owner's guess, of the best level then, and goes before the plugin's.
    """
    if not integration.spec.levels_left_out or not levels:
        return integration
    best, *others = levels
    guess = integration.spec.memory
    best = best if guess is None else best.model_copy(update={"memory": guess})
    spec = integration.spec.model_copy(update={"levels": (best, *others)})
    return integration.model_copy(update={"spec": spec})


def remembered_levels(integration: Integration) -> tuple[Level, ...]:
    """The levels that its status speaks of, best first: whoever knows neither plugin nor spec goes by them."""
    told = {level.name: level for level in (integration.status.levels or ())} if integration.status else {}
    return tuple(
        Level.model_construct(name=name, description="", memory=level.memory, config={}, value=None)
        for name, level in told.items()
    )
