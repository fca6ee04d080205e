"""Things from integrations: what an owner has declared, as the plant runs it.

The plant's box is 12 GiB whatever the real one has: sizes go over as percent of the limit, and the integrations that
our contender is given say the same percent in bytes of that box.
"""

from collections.abc import Iterable, Mapping, Sequence

from brownout.api.integration import Integration
from brownout.core.footprint import Footprint, Source
from brownout.core.ladder import Ladder, ladder_of
from brownout.core.member import Member
from brownout.core.order import degradation_order, protected
from brownout.core.sample import Sample
from brownout.core.worth import value_of, weights_of
from brownout.simulate.ours import bytes_of
from brownout.simulate.plant import Thing
from brownout.simulate.traces import percentile

# How long a start takes is not declared. The benchmark's two larger ones (12 and 8 %) take two ticks, the others one.
LARGE_PERCENT = 6.0


def things_of(
    integrations: Iterable[Integration], limit_bytes: int, *, measured: Mapping[str, float] | None = None
) -> tuple[Thing, ...]:
    """The integrations that are wanted on, in degradation order. `measured`: percent at the best level, by name.

    Without a measurement the owner's first guess counts, and whoever has neither is left out: see `unsized`.
    """
    wanted = {each.name: each for each in integrations if each.spec.enabled}
    sizes = {name: _sizes(each, limit_bytes, (measured or {}).get(name)) for name, each in wanted.items()}
    members = tuple(_member(each, sizes[name]) for name, each in wanted.items() if sizes[name])
    weights, kept = weights_of(wanted), protected(members)
    return tuple(
        _thing(member, sizes[member.key], weights[member.key], essential=member.key in kept)
        for member in degradation_order(members)
    )


def unsized(
    integrations: Iterable[Integration], limit_bytes: int, *, measured: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Names of those that are wanted on and whose memory nobody has measured or guessed."""
    wanted = [each for each in integrations if each.spec.enabled]
    return tuple(each.name for each in wanted if not _sizes(each, limit_bytes, (measured or {}).get(each.name)))


def declared(integrations: Iterable[Integration], things: Sequence[Thing]) -> tuple[Integration, ...]:
    """The integrations of these things with their memory in bytes of the plant's box, in the order of the things."""
    by_name = {each.name: each for each in integrations}
    return tuple(_declared(by_name[thing.name], thing) for thing in things)


def measured_percents(samples: Iterable[Sample]) -> Mapping[str, float]:
    """What each integration was measured to hold, percent of the limit of its time: the 95th percentile."""
    held: dict[str, list[float]] = {}
    for sample in samples:
        for name, size in sample.footprints.items() if sample.memory_limit_bytes else ():
            held.setdefault(name, []).append(100.0 * size / (sample.memory_limit_bytes or 1))
    return {name: percentile(found, 95.0) for name, found in held.items()}


def _sizes(integration: Integration, limit_bytes: int, measured: float | None) -> tuple[float, ...]:
    """Percent at each rung, best first; empty where nothing is known. Levels without a guess are evenly spaced."""
    ladder = ladder_of(integration)
    best = ladder.first_guess_bytes(0, integration)
    if best is None and measured is None:
        return ()
    guessed = 100.0 * (best or 0) / limit_bytes
    top = guessed if measured is None else measured
    # A measurement corrects the best level, and with it the guesses of the others in proportion.
    scale = top / guessed if guessed > 0.0 else 0.0
    return tuple(top if rung == 0 else _lower(ladder, rung, limit_bytes, top, scale) for rung in range(ladder.off))


def _lower(ladder: Ladder, rung: int, limit_bytes: int, top: float, scale: float) -> float:
    level = ladder.level(rung)
    if level is None or level.memory is None or scale == 0.0:
        return top * (1.0 - rung / ladder.off)
    return min(top, scale * 100.0 * level.memory / limit_bytes)


def _member(integration: Integration, sizes: Sequence[float]) -> Member:
    footprints = (Footprint(steady_bytes=bytes_of(it), peak_bytes=bytes_of(it), source=Source.MEASURED) for it in sizes)
    return Member(
        key=integration.name,
        integration=integration,
        ladder=ladder_of(integration),
        footprints=tuple(footprints),
    )


def _thing(member: Member, sizes: Sequence[float], weight: float, *, essential: bool) -> Thing:
    lower = tuple((sizes[rung], value_of(member.ladder, rung)) for rung in range(1, member.ladder.off))
    return Thing(
        name=member.key,
        percent=sizes[0],
        start_ticks=2 if sizes[0] >= LARGE_PERCENT else 1,
        weight=weight,
        levels=lower,
        essential=essential,
    )


def _declared(integration: Integration, thing: Thing) -> Integration:
    levels = tuple(
        level.model_copy(update={"memory": bytes_of(thing.percent_at(rung))})
        for rung, level in enumerate(integration.spec.levels)
    )
    spec = integration.spec.model_copy(update={"memory": bytes_of(thing.percent), "levels": levels})
    return integration.model_copy(update={"spec": spec, "status": None})
