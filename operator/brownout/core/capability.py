"""Capability: what an integration can do now, in words for those who use it, and when that is news. Pure.

`voice now answers with its small model; it answers with its large model again when RAM below 65 % for 5 min and 3 GiB
fits under 80 %`. What it says of a level stands in `levels[].description`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from brownout.api.integration import Integration
from brownout.api.reasons import Reason, State
from brownout.api.status import IntegrationStatus
from brownout.core.instant import Instant
from brownout.core.ladder import ladder_of
from brownout.core.wording import sentence

#: State and level: what of a status people notice.
Capability = tuple[State, str]

# On the way from one to the other it can do neither, which is no news: it is over in a moment, or it will have failed.
_SETTLED = (State.ENABLED, State.LOWERED, State.DISABLED, State.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A change of what an integration can do. `text` is for people, `why` has the numbers of the decision."""

    key: str
    name: str
    at: Instant
    state: State
    level: str
    reason: Reason
    text: str
    why: str
    before: Capability | None = None  # what people were told last

    @property
    def capability(self) -> Capability:
        """What it is about."""
        return self.state, self.level

    @property
    def degraded(self) -> bool:
        """Whether it can do less than its best."""
        return self.state is not State.ENABLED


def capability_of(status: IntegrationStatus | None) -> Capability | None:
    """What a status says that it can do; None while that is not settled."""
    return settled(status.state, status.level or "") if status is not None else None


def settled(state: State | None, level: str) -> Capability | None:
    """A state and a level as what people notice; None where that is over in a moment."""
    return (state, level) if state in _SETTLED and state is not None else None


def words(
    integration: Integration,
    capability: Capability,
    *,
    returns_when: str = "",
    trouble: str = "",
    above: str | None = None,
) -> str:
    """The sentence for people. `above` is the level that it returns to; by default the next one up."""
    name, (state, level) = integration.metadata.name, capability
    if state is State.FAILED:
        return f"{name} does not work now{f': {trouble}' if trouble else ''}"
    if state is State.DISABLED:
        when = f"; it returns when {returns_when}" if returns_when else ""
        wish = "" if integration.spec.enabled else ", as its owner wants it"
        return f"{name} is off now{wish}{when}"
    if state is State.ENABLED:
        return f"{name} now {doing(integration, level)} again"
    again = doing(integration, _above(integration, level) if above is None else above)
    when = f"; it {again} again when {returns_when}" if returns_when else ""
    return f"{name} now {doing(integration, level)}{when}"


def _above(integration: Integration, level_name: str, passed_over: frozenset[str] = frozenset()) -> str:
    """The next level up that is not passed over; the best one where there is none."""
    ladder = ladder_of(integration)
    names = [level.name for level in ladder.levels[: ladder.rung_of(level_name)]]
    return next((name for name in reversed(names) if name not in passed_over), ladder.level_name(0))


def doing(integration: Integration, level_name: str) -> str:
    """What it does at a level, as its owner says it: `answers with its small model`; else `runs at its level small`."""
    level = next((level for level in integration.spec.levels if level.name == level_name), None)
    if level is None:
        return "runs"
    return level.description or f"runs at its level {level.name}"


def news(
    told: Mapping[str, Capability],
    statuses: Mapping[str, IntegrationStatus],
    integrations: Mapping[str, Integration],
    *,
    now: Instant,
) -> tuple[Notice, ...]:
    """What changed since people were last told. Of whom nothing was told yet, what is found is no news."""
    found = []
    for key, status in statuses.items():
        capability, integration = capability_of(status), integrations.get(key)
        if capability is None or integration is None or told.get(key, capability) == capability:
            continue
        notice = _notice(key, integration, status, capability, now)
        found.append(replace(notice, before=told[key]))
    return tuple(found)


def _notice(
    key: str, integration: Integration, status: IntegrationStatus, capability: Capability, now: Instant
) -> Notice:
    unfit = frozenset(level.name for level in (status.levels or ()) if level.message)
    above, when = _above(integration, capability[1], unfit), status.returns_when or ""
    text = words(integration, capability, returns_when=when, trouble=status.message or "", above=above)
    return Notice(
        key=key,
        name=integration.metadata.name,
        at=now,
        state=capability[0],
        level=capability[1],
        reason=status.reason or Reason.WITHIN_LIMITS,
        text=sentence(text, longest=1000),
        why=sentence(status.message or "", longest=1000),
    )
