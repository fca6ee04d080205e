"""Holds over a restart: what a status remembers is what was held."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Reason
from brownout.api.status import IntegrationStatus
from brownout.core.holding import held, hold_from, return_from, with_hold
from brownout.core.member import Observation, Presence
from brownout.core.patience import on_trial
from brownout.core.shed import step_down
from tests.core.drawn import BY_OWNER, PRESSURE
from tests.worlds import NOW, make_hold, make_member

MEMBER = make_member("voice", (12.0, 8.0, 4.0))


@given(
    rung=st.integers(1, 3),
    reason=st.sampled_from([*PRESSURE, *BY_OWNER]),
    undone=st.sampled_from([0, 1, 6]),
    replicas=st.none() | st.integers(0, 9),
)
def test_a_hold_survives_a_restart(rung: int, reason: Reason, undone: int, replicas: int | None) -> None:
    """Rung, reason, sentence, count and replicas come back as they were."""
    hold = replace(make_hold(rung, reason=reason, undone=undone, since=NOW), replicas_before=replicas)
    status = IntegrationStatus(hold=held(hold, MEMBER), replicas_before=replicas)
    written = IntegrationStatus.tolerant(status.model_dump(mode="json", by_alias=True))
    assert hold_from(written, MEMBER) == hold


@given(held_at=st.none() | st.integers(0, 600), count=st.sampled_from([0, 1, 6]))
def test_a_return_on_trial_survives_a_restart(held_at: int | None, count: int) -> None:
    """When it was and how many before it were undone, also where nothing is held any more; a newer hold ends it."""
    back = (NOW + 300.0, count)
    hold = None if held_at is None else make_hold(1, since=NOW + held_at, undone=count)
    status = IntegrationStatus(hold=held(hold, MEMBER, back=back))
    written = IntegrationStatus.tolerant(status.model_dump(mode="json", by_alias=True))
    assert return_from(written) == (back if held_at is None or held_at <= 300 else None)
    assert hold_from(written, MEMBER) == hold
    assert held(None, MEMBER) is None


@pytest.mark.parametrize(
    "status", [None, IntegrationStatus(), {"hold": {"off": True}}, {"hold": {"byController": True}}]
)
def test_what_makes_no_sense_is_no_hold(status: object) -> None:
    """A status that was edited by hand, or never written by us, holds nobody down."""
    assert hold_from(IntegrationStatus.tolerant(status), MEMBER) is None
    assert return_from(IntegrationStatus.tolerant(status)) is None


def test_a_level_that_is_gone_is_the_best_one() -> None:
    """A spec may have lost the level on which it was held: then nothing keeps it from its best."""
    status = IntegrationStatus(hold=held(make_hold(2), MEMBER))
    found = hold_from(status, make_member("voice", 12.0))
    assert found is not None
    assert found.rung == 0


def test_what_is_about_to_happen_is_written_ahead() -> None:
    """A crash between the writing and the step leaves a trace that can be undone, with the replicas of before."""
    step = step_down(MEMBER, 3, reason=Reason.EMERGENCY, because="RAM 96.0 %")
    seen = Observation(presence=Presence.RUNNING, replicas=2)
    ahead = with_hold(IntegrationStatus(), step, seen, undone=2)
    found = hold_from(ahead, MEMBER)
    assert found is not None
    assert (found.rung, found.reason, found.replicas_before) == (3, Reason.EMERGENCY, 2)
    assert found.undone == 2
    assert with_hold(ahead, step, None, undone=2).replicas_before == 2


def test_a_return_is_on_trial_for_twice_the_usual_wait() -> None:
    """Ten minutes by default."""
    assert on_trial(NOW, now=NOW + 599.0, stabilization_s=300.0)
    assert not on_trial(NOW, now=NOW + 600.0, stabilization_s=300.0)
