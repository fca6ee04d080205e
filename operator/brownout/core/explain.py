"""Sentences: why something was decided, with the numbers it was decided on.

The same sentence stands in the audit log, the status, the event and the terminal.
"""

from brownout.api.policy import DecideStrategy, RestoreStrategy
from brownout.api.quantities import approximate_bytes
from brownout.core.forecast import Forecast
from brownout.core.forecasting.path import Spread
from brownout.core.member import Member
from brownout.core.outlook import Outlook
from brownout.core.patience import FORGIVEN, may_vouch, wait_s
from brownout.core.plan import Action
from brownout.core.snapshot import Snapshot
from brownout.core.wording import duration, percent, threshold

_DONE = {
    Action.LOWER: "lowered",
    Action.DISABLE: "disabled",
    Action.RAISE: "raised",
    Action.ENABLE: "enabled",
    Action.START: "started",
}


def ram(outlook: Outlook) -> str:
    """`RAM 84.1 %`, or that it is not known and why."""
    if outlook.measured_percent is None:
        return f"RAM unknown ({outlook.why})"
    return f"RAM {percent(outlook.measured_percent)}"


def ram_and_forecast(outlook: Outlook, forecast: Forecast, *, horizon_s: float) -> str:
    """`RAM 78.9 % now and 84.1 % (82.0 to 86.2) in 5 min`."""
    band = f"({forecast.lower:.1f} to {forecast.upper:.1f})"
    return f"{ram(outlook)} now and {percent(forecast.value)} {band} in {duration(horizon_s)}"


def ram_soon(outlook: Outlook, known: Spread, *, left_out: float) -> str:
    """`RAM 78.9 % now and 81.0 % (80.8 to 81.1) in 30 s`; `left_out` is the share on either side of the band."""
    band = f"({known.quantile(left_out):.1f} to {known.quantile(1.0 - left_out):.1f})"
    step_s = outlook.path.step_s * known.steps if outlook.path is not None else 0.0
    return f"{ram(outlook)} now and {percent(known.quantile(0.5))} {band} in {duration(step_s)}"


def ram_at_most(outlook: Outlook, upper_percent: float, *, horizon_s: float) -> str:
    """`RAM 74.0 % now and up to 83.2 % in 5 min`."""
    return f"{ram(outlook)} now and up to {percent(upper_percent)} in {duration(horizon_s)}"


def over(outlook: Outlook, threshold_percent: float) -> str:
    """`RAM 84.1 %, over 80 %`; exactly on the threshold counts, and is said so."""
    word = "at" if outlook.measured_percent == threshold_percent else "over"
    return f"{ram(outlook)}, {word} {threshold(threshold_percent)}"


def done(action: Action, member: Member, *, to_rung: int) -> str:
    """`disabled voice`, `lowered voice to reduced`, `started voice at large`."""
    level = member.ladder.level_name(to_rung)
    word = "to" if action in (Action.LOWER, Action.RAISE) else "at"
    return f"{_DONE[action]} {member.name} {word} {level}" if level else f"{_DONE[action]} {member.name}"


def not_done(message: str, name: str, why: str) -> str:
    """A step's sentence, of one that failed: `its owner wants it on: voice could not be started: no such file`."""
    for verb in _DONE.values():
        before, found, after = message.partition(f"{verb} {name}")
        if found:
            where = after.partition(",")[0].partition(";")[0]  # ` to reduced`; what it would have freed it has not
            return f"{before}{name} could not be {verb}{where}: {why}"
    return f"{message}; it failed: {why}"


def frees(size_bytes: int | None) -> str:
    """`, which frees about 1.9 GiB`; honest where nobody knows."""
    if size_bytes is None:
        return "; what it frees is not known yet"
    return f", which frees about {approximate_bytes(size_bytes)}" if size_bytes else ", which frees nothing by itself"


def returns_when(snapshot: Snapshot, member: Member) -> str:
    """What brings a member back: `RAM below 65 % for 5 min and 1.9 GiB fits under 80 %`.

    The strategy WhenItFits waits only since the last step down, prices wait for nothing but a better price, and a
    forecast that may vouch shortens the wait: each says so.
    """
    if kept_by_budget(snapshot, member):
        return member.allowance.returns_when
    policy = snapshot.policy
    wait = duration(wait_s(snapshot, member))
    takes = member.takes_bytes(member.next_rung_up())
    size = approximate_bytes(takes) if takes else "it"
    fits = f"{size} fits under {threshold(policy.thresholds.disable)}"
    if policy.restore.strategy is RestoreStrategy.WHEN_IT_FITS and weighed(snapshot):
        return f"{size} costs less time over {threshold(policy.thresholds.disable)} than {member.name} is worth"
    if policy.restore.strategy is RestoreStrategy.WHEN_IT_FITS:
        return f"{fits}, at the earliest {wait} after anything was last lowered or disabled"
    sooner = " (sooner where the forecast vouches for it)" if may_vouch(snapshot, member) else ""
    calm = f"RAM below {threshold(policy.thresholds.enable)} for {duration(policy.stabilization.enable)}{sooner}"
    later = "" if member.undone <= FORGIVEN else f", {wait} after anything was last lowered or disabled"
    return f"{calm}{later} and {fits}"


def kept_by_budget(snapshot: Snapshot, member: Member) -> bool:
    """Whether its owner's budget keeps a held member where it is, whatever memory allows."""
    return member.hold is not None and member.next_rung_up() < snapshot.ceiling(member)


def weighed(snapshot: Snapshot) -> bool:
    """Whether prices decide: chosen by the owner, and the forecast knows enough of the next minutes."""
    return snapshot.policy.decide.strategy is DecideStrategy.EXPECTED_COST and snapshot.outlook.path is not None
