"""Conditions: the time of the last change moves with the status and with nothing else."""

import pytest

from brownout.api.reasons import ConditionStatus, ConditionType
from brownout.core.conditions import conditions
from brownout.core.instant import from_rfc3339, to_rfc3339
from tests.worlds import NOW


@pytest.mark.parametrize(
    ("holds", "word"), [(True, ConditionStatus.TRUE), (False, ConditionStatus.FALSE), (None, ConditionStatus.UNKNOWN)]
)
def test_a_condition_is_true_false_or_unknown(holds: bool | None, word: ConditionStatus) -> None:  # noqa: FBT001
    """Unknown is a value of its own."""
    (made,) = conditions((), [(ConditionType.READY, holds, "Because", "")], now=NOW, generation=3)
    assert (made.status, made.observed_generation, made.last_transition_time) == (word, 3, to_rfc3339(NOW))


def test_the_transition_time_moves_only_with_the_status() -> None:
    """Another reason or message is no transition; another status is one."""
    first = conditions((), [(ConditionType.READY, True, "A", "a")], now=NOW, generation=1)
    second = conditions(first, [(ConditionType.READY, True, "B", "b")], now=NOW + 60, generation=2)
    third = conditions(second, [(ConditionType.READY, False, "B", "b")], now=NOW + 120, generation=2)
    assert (second[0].reason, second[0].message, second[0].observed_generation) == ("B", "b", 2)
    assert second[0].last_transition_time == to_rfc3339(NOW)
    assert third[0].last_transition_time == to_rfc3339(NOW + 120)


def test_saying_the_same_again_changes_nothing() -> None:
    """An unchanged world gives an equal list, whatever the time."""
    said = [(kind, True, "A", "") for kind in ConditionType]
    first = conditions((), said, now=NOW, generation=1)
    assert conditions(first, said, now=NOW + 999, generation=1) == first
    assert conditions((), said, now=NOW + 999, generation=1) != first


@pytest.mark.parametrize("instant", [0.0, 951_782_400.0, 1_709_164_800.0, NOW, 2_147_483_648.0])
def test_instants_go_through_the_wire(instant: float) -> None:
    """1970, two leap days and 2038 are read back as they were written, in UTC."""
    text = to_rfc3339(instant)
    assert text.endswith("Z")
    assert from_rfc3339(text) == instant


def test_parts_of_a_second_are_left_out() -> None:
    """Kubernetes writes whole seconds; a time without a zone is UTC, and any other zone is heeded."""
    assert to_rfc3339(NOW + 0.999) == to_rfc3339(NOW)
    assert from_rfc3339("2026-01-02T03:04:00") == NOW
    assert from_rfc3339("2026-01-02T04:04:00+01:00") == NOW


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_no_time(text: str | None) -> None:
    """A status can be edited by hand, so reading one never fails."""
    assert from_rfc3339(text) is None
