"""Advice: a comparison in one sentence, with what to change in the policy to get it."""

from collections.abc import Iterator, Mapping
from typing import Any

from brownout.api.policy import PolicySpec
from brownout.core.wording import listing
from brownout.simulate.comparison import CONFIDENCE_PERCENT, HOURS_A_DAY, LEAST_HOURS, Change, Comparison, Verdict

#: From a week on figures are of a week; of less they are of a day, so that nothing is told that was not recorded.
WEEK_HOURS = 7 * HOURS_A_DAY
# Service and pressure that change by less are not worth a word.
LEAST_SERVED_H, LEAST_MINUTES = 0.05, 0.5
#: What no replay looks at, and no shadow: it is no reason for its figures, and no advice. Nobody acts in it, it ticks
#: every 30 s, percentages are of what was measured, and there are neither requests nor a sentinel.
_NO_REASON = ("mode", "interval", "scope", "memoryBudget", "sentinel", "notify", "spike", "rate")


def differences(live: PolicySpec, other: PolicySpec) -> tuple[tuple[str, str | None], ...]:
    """The fields in which the other policy differs, by their path, with what it says there; None: it says nothing. Only
    those that a replay looks at.
    """
    was, now = (dict(_leaves(spec.to_wire())) for spec in (live, other))
    unlike = (path for path in {**now, **was} if was.get(path) != now.get(path))
    paths = [path for path in unlike if path.partition(".")[0] not in _NO_REASON]
    return tuple((path, _shown(now[path]) if path in now else None) for path in paths)


def sentence(found: Comparison, changes: tuple[tuple[str, str | None], ...]) -> str:
    """What the comparison says, in one sentence."""
    policy, live, figures = found.policy, found.live, ", ".join(_figures(found))
    if not changes:
        return f"{policy}: says the same as {live} in all that a replay looks at."
    match found.verdict:
        case Verdict.BETTER:
            return f"{policy}: would have been better than {live}: {figures}; to get it, {_to_do(changes)}."
        case Verdict.WORSE:
            return f"{policy}: would have been worse than {live}: {figures}; leave {_fields(changes)} alone."
        case Verdict.NO_DIFFERENCE:
            return f"{policy}: no difference to {live} that can be told from chance: {figures}."
    short = f"{found.hours:.0f} h of history are too short to tell, {LEAST_HOURS} h are needed"
    return f"{policy}: {short}; so far {figures}."


def differing(live: PolicySpec, others: Mapping[str, PolicySpec]) -> int:
    """How many of them say anything else than the live one, and are compared; at least one."""
    return max(1, sum(bool(differences(live, other)) for other in others.values()))


def _figures(found: Comparison) -> Iterator[str]:
    yield _cost(found)
    days, per = (7.0, "week") if found.hours >= WEEK_HOURS else (1.0, "day")
    for name, hours in found.served_h.items():
        if abs(hours * days) >= LEAST_SERVED_H * days:
            yield f"{name} {abs(hours * days):.1f} h {_more(hours)} per {per}"
    yield f"{_minutes(found.minutes_80 * days)} at or above 80 %"
    if abs(found.minutes_95 * days) >= LEAST_MINUTES:
        yield f"{_minutes(found.minutes_95 * days)} at or above 95 %"


def _cost(found: Comparison) -> str:
    if found.share is None:
        return f"J {found.j:.0f} a day in place of {found.j_live:.0f}"
    value, lower, upper = (100.0 * it for it in (found.share.value, found.share.lower, found.share.upper))
    change = Change(value=value, lower=lower, upper=upper)
    together = f" for all {found.among} at once" if found.among > 1 else ""
    return f"J {_signed(change.value)} ({_range(change)}, {CONFIDENCE_PERCENT:g} % interval{together})"


def _range(change: Change) -> str:
    """The interval: in the figure's own direction where it has one, else with both."""
    if change.lower >= 0.0 or change.upper <= 0.0:
        near, far = sorted((abs(change.lower), abs(change.upper)))
        return f"{near:.0f} to {far:.0f} %"
    return f"{_signed(change.lower)} to {_signed(change.upper)}"


def _signed(percent: float) -> str:
    return f"{abs(percent):.0f} % {'lower' if percent <= 0.0 else 'higher'}"


def _more(amount: float) -> str:
    return "more" if amount > 0.0 else "less"


def _minutes(amount: float) -> str:
    whole = round(abs(amount))
    return f"{whole} {'minute' if whole == 1 else 'minutes'} {'less' if amount < 0.0 and whole else 'more'}"


def _to_do(changes: tuple[tuple[str, str | None], ...]) -> str:
    sets = [f"{path}: {value}" for path, value in changes if value is not None]
    drops = [path for path, value in changes if value is None]
    parts = ([f"set {listing(sets)}"] if sets else []) + ([f"leave out {listing(drops)}"] if drops else [])
    return " and ".join(parts)


def _fields(changes: tuple[tuple[str, str | None], ...]) -> str:
    return listing([path for path, _ in changes])


def _leaves(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
