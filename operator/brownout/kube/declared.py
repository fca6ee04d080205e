"""From snapshots to the inventory: what is accepted, what is refused and why, and which last good version stands in.

Pure: it is given all that was seen and gives what the engine works on. It remembers the last good version of each
key, so that a broken edit switches nothing off.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from brownout.api.integration import Integration
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy
from brownout.api.problems import Problem
from brownout.api.validation import check_together
from brownout.engine.ports import Inventory
from brownout.kube.identity import Responsibilities
from brownout.kube.refusals import SelfProtection, refusal
from brownout.kube.shelf import Snapshot

__all__ = ["RULING_POLICY", "Declarations"]

#: The policy that rules. Others are shadows: they run on models, and are told what they would have given.
RULING_POLICY: Final = "default"


class Declarations:
    """Turns what was seen into what is declared."""

    def __init__(self, *, duties: Responsibilities, protection: SelfProtection) -> None:
        self._duties = duties
        self._protection = protection
        self._good: dict[str, Integration] = {}
        self._good_policy: BrownoutPolicy | None = None

    def inventory(self, integrations: Iterable[Snapshot], policies: Iterable[Snapshot], *, complete: bool) -> Inventory:
        """Everything declared, as of these snapshots."""
        seen = {one.key: one for one in integrations}
        ruling = {one.key: one for one in policies}
        policy = ruling.pop(RULING_POLICY, None)
        problems = self._problems(seen)
        self._good = {key: good for key in seen if (good := self._accepted(seen[key], problems)) is not None}
        rejected = frozenset(problems)
        if policy is not None and policy.problems:
            problems[policy.key] = policy.problems
        return Inventory(
            integrations=MappingProxyType(self._good),
            policy=self._ruling(policy),
            shadows=MappingProxyType(_shadows(ruling.values())),
            problems=MappingProxyType(problems),
            rejected=rejected,
            foreign=frozenset(key for key, one in seen.items() if self._duties.is_foreign(one.node)),
            complete=complete,
        )

    def _problems(self, seen: Mapping[str, Snapshot]) -> dict[str, tuple[Problem, ...]]:
        problems = {key: one.problems for key, one in seen.items() if one.problems}
        valid = [one.declared for one in seen.values() if isinstance(one.declared, Integration)]
        for one in valid:
            if (problem := refusal(one, self._protection)) is not None:
                problems[f"{one.metadata.namespace}/{one.metadata.name}"] = (problem,)
        for key, found in check_together(valid).items():
            problems[key] = (*problems.get(key, ()), *found)
        return problems

    def _accepted(self, one: Snapshot, problems: Mapping[str, tuple[Problem, ...]]) -> Integration | None:
        """The present version if nothing is wrong with it, else the last one of the same object that was good."""
        if one.key not in problems and isinstance(one.declared, Integration):
            return one.declared
        last = self._good.get(one.key)
        return last if last is not None and last.metadata.uid == one.uid else None

    def _ruling(self, policy: Snapshot | None) -> BrownoutPolicy:
        if policy is None:
            self._good_policy = None
        elif isinstance(policy.declared, BrownoutPolicy):
            self._good_policy = policy.declared
        return self._good_policy or DEFAULT_POLICY


def _shadows(others: Iterable[Snapshot]) -> dict[str, BrownoutPolicy]:
    """The policies beside the one that rules, in the order of their names; an invalid one does not run along."""
    valid = {one.key: one.declared for one in others if isinstance(one.declared, BrownoutPolicy) and not one.leaving}
    return {key: valid[key] for key in sorted(valid)}
